"""What the two roles may do: statements of IAM policies, each with the actions that one kind of step needs.

Here is what both may, and the states; what only a deployment may do to AWS: changes.py.

What a stack makes is known by its tag `project` (program/provider.py) or, where IAM knows no tags, by a name that
begins as the program's names do: that may be changed, and nothing else. Actions are written out, so that
tests/engine/test_permissions.py can say of each whether a stack needs it.
docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from bootstrap.account import Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and a look for drift ask AWS; both roles may."""
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
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            # SNS knows no resource for what is about a subscription.
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
    """What a preview needs of the states. bucket, key: ARNs. Of the settings it decrypts what is encrypted."""
    return [
        allow("ListStates", bucket, "s3:ListBucket"),
        allow("ReadStates", f"{bucket}/*", "s3:GetObject"),
        allow("Decrypt", key, "kms:Decrypt"),
    ]


def changing_state(bucket: str, key: str) -> list[Statement]:
    """What a deployment needs of the states on top of that. It deletes no versions of theirs."""
    return [
        allow("WriteStates", f"{bucket}/*", "s3:DeleteObject", "s3:PutObject"),
        allow("Encrypt", key, "kms:Encrypt", "kms:GenerateDataKey"),
    ]
