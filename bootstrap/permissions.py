"""What the two roles may do: IAM policy statements, each with the actions for one kind of operation.

This module has what both may do, and access to the states; changes.py has what only a deployment may do in AWS.

What a stack creates is recognised by its tag `project` (program/provider.py) or, if IAM does not support tags, by the
beginning of its name: the roles may change that, and nothing else. Actions are listed one by one, so that
tests/engine/test_permissions.py can check that a stack needs each.
docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from bootstrap.account import Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection read from AWS; both roles may."""
    return [
        allow(
            "Look",
            "*",
            "cloudwatch:DescribeAlarms",
            "ec2:DescribeAddresses",
            "ec2:DescribeAddressesAttribute",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribePrefixLists",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
            # SNS has no resource for subscriptions.
            "sns:GetSubscriptionAttributes",
            "ssm:DescribeParameters",
        ),
        allow("ReadAlarms", account.alarms, "cloudwatch:ListTagsForResource"),
        allow("ReadTopics", account.topics, "sns:GetTopicAttributes", "sns:ListTagsForResource"),
        allow(
            "ReadIdentities",
            account.identities,
            "iam:GetGroup",
            "iam:GetInstanceProfile",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListAttachedGroupPolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListGroupsForUser",
            "iam:ListPolicyTags",
            "iam:ListRolePolicies",
            "iam:ListRoleTags",
            "iam:ListUserTags",
        ),
        allow("ReadParameters", account.parameters, "ssm:GetParameter", "ssm:ListTagsForResource"),
        allow(
            "ReadBuckets",
            account.buckets,
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListTagsForResource",
        ),
    ]


def reading_state(bucket: str, key: str) -> list[Statement]:
    """A preview's access to the state. bucket, key: ARNs. It decrypts encrypted settings."""
    return [
        allow("ListStates", bucket, "s3:ListBucket"),
        allow("ReadStates", f"{bucket}/*", "s3:GetObject"),
        allow("Decrypt", key, "kms:Decrypt"),
    ]


def changing_state(bucket: str, key: str) -> list[Statement]:
    """A deployment's additional access to the state. It deletes no old versions."""
    return [
        allow("WriteStates", f"{bucket}/*", "s3:DeleteObject", "s3:PutObject"),
        allow("Encrypt", key, "kms:Encrypt", "kms:GenerateDataKey"),
    ]
