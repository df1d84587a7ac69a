"""The connection to the local AWS: region, credentials, account, default tags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.plugins.base import PluginError, Properties

NO_CREDENTIALS = (
    "No valid credential sources found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or "
    "`pulumi config set aws:profile NAME`; for the local environment, `make shell` sets them"
)
SERVICES = ("cloudwatch", "ec2", "iam", "kms", "route53", "s3", "sns", "ssm", "sts", "timestreaminfluxdb")
COMMON = ("cloudwatch", "ec2", "iam", "kms", "s3", "sns", "ssm", "sts")
FILES = {"sharedConfigFiles": "AWS_CONFIG_FILE", "sharedCredentialsFiles": "AWS_SHARED_CREDENTIALS_FILE"}
"""Settings that name files, with the variables for boto3, which takes one file of each kind."""

MODELS = botocore.session.Session().get_component("data_loader")
"""botocore's descriptions of AWS's services. Reading them takes a quarter of a second of CPU time per run, half of it
for EC2. So all sessions share what was read, and so do forked runs (sandbox/warm)."""

NO_REGION = "Missing region configuration. Set it: `pulumi config set aws:region eu-central-1` (or AWS_REGION)"


@dataclass
class Aws:
    """The client that resources and functions use.

    account_id: twelve digits.  default_tags: on everything that has tags.  endpoints: services' own URLs.
    """

    session: boto3.Session
    region: str
    account_id: str = ""
    default_tags: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client, untyped because requests are composed at run time."""
        key = (service, region or self.region)
        # Clients are thread-safe; creating one is not.
        with self._lock:
            if key not in self._clients:
                retries = botocore.config.Config(retries={"max_attempts": 3, "mode": "standard"})
                make: Any = self.session.client
                self._clients[key] = make(
                    service,
                    region_name=key[1],
                    config=retries,
                    endpoint_url=self.endpoints.get(service.replace("-", "")),
                )
            return self._clients[key]

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """The ARN of a regional resource in this account."""
        return f"arn:aws:{service}:{region or self.region}:{self.account_id}:{resource}"


@lru_cache(maxsize=1)
def known_regions() -> frozenset[str]:
    """All regions of all partitions, from botocore's data (`get_available_regions` would also read EC2's whole API)."""
    partitions = MODELS.load_data("endpoints")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])


def read_models() -> None:
    """Read what most runs need, before they are forked."""
    session = _session(aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106 - no request is sent
    make: Any = session.client
    for service in COMMON:
        make(service, region_name="us-east-1")
    known_regions()


def _session(**settings: Any) -> boto3.Session:
    shared = botocore.session.get_session()
    shared.register_component("data_loader", MODELS)
    return boto3.Session(botocore_session=shared, **settings)


def connect(settings: Properties) -> Aws:
    """Create the client, and check credentials and account. Raises PluginError for settings that do not work."""
    endpoints = {service: url for each in settings.get("endpoints", []) for service, url in each.items()}
    for url in (os.environ.get("AWS_ENDPOINT_URL", ""), *endpoints.values()):
        _require_local_aws(url)
    for name, variable in FILES.items():
        if files := settings.get(name):
            os.environ[variable] = files[-1]
    # The program never runs on an EC2 instance here, so asking the metadata service would only take time.
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    try:
        session = _session(
            profile_name=settings.get("profile"),
            aws_access_key_id=settings.get("accessKey"),
            aws_secret_access_key=settings.get("secretKey"),
            aws_session_token=settings.get("token"),
        )
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise PluginError(f"{NO_CREDENTIALS}. Details: {error}") from error
    region = settings.get("region") or os.environ.get("AWS_REGION") or session.region_name
    if not region:
        raise PluginError(NO_REGION)
    if not settings.get("skipRegionValidation") and region not in known_regions():
        raise PluginError(f"invalid AWS Region: {region}")
    if credentials is None:
        raise PluginError(NO_CREDENTIALS)
    tags = settings.get("defaultTags", {}).get("tags", {})
    for role in settings.get("assumeRoles", []):
        session = _assume(Aws(session, region, endpoints=endpoints), role)
    aws = Aws(session, region, default_tags=tags, endpoints=endpoints)
    if not (settings.get("skipCredentialsValidation") and settings.get("skipRequestingAccountId")):
        aws.account_id = _account(aws)
        _check_account(aws.account_id, settings)
    return aws


def _assume(aws: Aws, role: Properties) -> boto3.Session:
    """A session of the role. Raises PluginError with the real provider's message if AWS refuses.

    hashicorp/aws-sdk-go-base, errors.go: cannotAssumeRoleError.
    """
    wanted = {
        "RoleArn": role.get("roleArn"),
        "RoleSessionName": role.get("sessionName") or "terraform",
        "ExternalId": role.get("externalId"),
        "Policy": role.get("policy"),
        "SourceIdentity": role.get("sourceIdentity"),
    }
    try:
        answer = aws.client("sts").assume_role(**{name: value for name, value in wanted.items() if value})
    except (ClientError, BotoCoreError) as error:
        raise PluginError(
            f"Cannot assume IAM Role: IAM Role ({role.get('roleArn')}) cannot be assumed. {explain(error)}"
        ) from error
    made = answer["Credentials"]
    return _session(
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )


def _require_local_aws(url: str) -> None:
    """Raises PluginError for the real AWS, which this plugin must never use, whatever environment and settings say."""
    host = urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise PluginError(
            "this is the local environment's stand-in for the aws plugin; it only works with the local AWS: "
            f"AWS_ENDPOINT_URL must be an address of this machine, but it is {url or 'not set'}"
        )


def _account(aws: Aws) -> str:
    try:
        return str(aws.client("sts").get_caller_identity()["Account"])
    except ClientError as error:
        raise PluginError(f"validating provider credentials: {explain(error)}") from error
    except BotoCoreError as error:
        raise PluginError(f"validating provider credentials: the local AWS does not answer: {error}") from error


def _check_account(account: str, settings: Properties) -> None:
    """hashicorp/aws-sdk-go-base, config.go: VerifyAccountIDAllowed."""
    allowed, forbidden = settings.get("allowedAccountIds"), settings.get("forbiddenAccountIds", [])
    if (allowed and account not in allowed) or account in forbidden:
        raise PluginError(f"AWS account ID not allowed: {account}")


def code(error: Exception) -> str:
    """AWS's error code, "" if AWS did not answer."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def explain(error: Exception) -> str:
    """An error as the real provider words it: the operation, and AWS's code and message."""
    if isinstance(error, ClientError):
        details = error.response["Error"]
        return f"operation error: {error.operation_name}, api error {details.get('Code')}: {details.get('Message')}"
    return f"{type(error).__name__}: {error}"
