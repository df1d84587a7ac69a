"""The `aws` plugin: its settings, its resources, its functions."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.plugins.aws import (
    address,
    alarms,
    associations,
    bucket,
    bucket_settings,
    dns,
    ebs,
    iam_oidc,
    iam_policy,
    iam_role,
    iam_user,
    instance,
    interface,
    kms,
    routes,
    security_group,
    ssm,
    timestream,
    topics,
)
from sandbox.plugins.aws.client import SERVICES, Aws, connect, explain, known_regions
from sandbox.plugins.aws.functions import FUNCTIONS
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    Properties,
    Provider,
    fields,
)


class AwsProvider(Provider[Aws]):
    """AWS, as far as the program uses it.

    It only has the settings that it honours. The real provider's other settings are refused rather than ignored.
    """

    package, distribution = "aws", "pulumi-aws"
    config = fields(
        accessKey=Input(TEXT, secret=True),
        assumeRoles=Input(
            ListOf(
                ObjectOf(
                    fields(
                        externalId=Input(TEXT),
                        policy=Input(TEXT),
                        roleArn=Input(TEXT),
                        sessionName=Input(TEXT),
                        sourceIdentity=Input(TEXT),
                    )
                )
            )
        ),
        allowedAccountIds=Input(ListOf(TEXT, ordered=False)),
        defaultTags=Input(ObjectOf(fields(tags=Input(MapOf(TEXT))))),
        endpoints=Input(ListOf(ObjectOf(fields(**{service: Input(TEXT) for service in SERVICES})), ordered=False)),
        forbiddenAccountIds=Input(ListOf(TEXT, ordered=False)),
        maxRetries=Input(INTEGER),
        profile=Input(TEXT),
        region=Input(TEXT, replaces=True),
        secretKey=Input(TEXT, secret=True),
        sharedConfigFiles=Input(ListOf(TEXT)),
        sharedCredentialsFiles=Input(ListOf(TEXT)),
        skipCredentialsValidation=Input(BOOLEAN),
        skipMetadataApiCheck=Input(BOOLEAN),
        skipRegionValidation=Input(BOOLEAN),
        skipRequestingAccountId=Input(BOOLEAN),
        token=Input(TEXT, secret=True),
    )
    resources = (
        security_group.SecurityGroup,
        security_group.SecurityGroupIngressRule,
        security_group.SecurityGroupEgressRule,
        address.Eip,
        address.EipAssociation,
        instance.Instance,
        interface.NetworkInterface,
        ebs.Volume,
        ebs.VolumeAttachment,
        iam_policy.Policy,
        iam_policy.Group,
        iam_policy.GroupPolicyAttachment,
        iam_policy.RolePolicyAttachment,
        iam_user.User,
        iam_user.UserGroupMembership,
        iam_user.AccessKey,
        iam_role.Role,
        iam_role.RolePolicy,
        iam_role.InstanceProfile,
        iam_oidc.OpenIdConnectProvider,
        dns.Record,
        kms.Key,
        kms.Alias,
        ssm.Parameter,
        associations.Document,
        associations.Association,
        timestream.DbInstance,
        bucket.Bucket,
        bucket_settings.BucketVersioning,
        bucket_settings.BucketServerSideEncryptionConfiguration,
        bucket_settings.BucketPublicAccessBlock,
        bucket_settings.BucketOwnershipControls,
        bucket_settings.BucketLifecycleConfiguration,
        bucket_settings.BucketPolicy,
        alarms.MetricAlarm,
        topics.Topic,
        topics.TopicPolicy,
        topics.TopicSubscription,
    )
    functions = (*FUNCTIONS, *routes.FUNCTIONS, dns.FUNCTION, kms.FUNCTION, iam_oidc.FUNCTION)

    def check_config(self, config: Properties) -> Iterable[Failure]:
        region = config.get("region")
        if isinstance(region, str) and not config.get("skipRegionValidation") and region not in known_regions():
            yield Failure("region", f"invalid AWS Region: {region}")

    def configure(self, config: Properties) -> Aws:
        return connect(config)

    def explain(self, error: Exception) -> str:
        return explain(error)
