"""What the deploy role is allowed although no stack in these tests needs it, with the reasons and their sources.

tests/engine/test_permissions.py fails if the role is allowed something that is neither needed nor listed here, and if
something listed here is needed after all. Sources of the provider are paths below internal/service in
terraform-provider-aws, from which pulumi-aws is made.
"""

BUCKET_READ = (
    "the provider reads every setting of a bucket, even those that the program does not set",
    "s3/bucket.go, resourceBucketRead",
)
TAGS = "the provider asks S3's newer API for tags first", "s3/tags.go (pull request 45251)"
ROLE_READ = "the provider reads all policies of a role", "iam/role.go, resourceRoleRead"
VPC_READ = "the provider reads more of a VPC than is used", "ec2/vpc_data_source.go, dataSourceVPCRead"
UPGRADE = "when an upgrade of this program changes the document"

ONLY_IN_AWS: dict[tuple[str, str], tuple[str, str]] = {
    ("Look", "ec2:DescribeAddressesAttribute"): ("the provider reads an address's PTR record", "ec2/ec2_eip.go"),
    ("Look", "ec2:DescribeInstanceCreditSpecifications"): (
        "the provider reads the CPU credits of burstable types",
        "ec2/ec2_instance.go, resourceInstanceRead",
    ),
    ("Look", "ec2:DescribeTags"): ("the provider reads tags of an instance's volumes", "ec2/ec2_instance.go"),
    ("Look", "ec2:DescribeVpcAttribute"): VPC_READ,
    ("Look", "ec2:DescribePrefixLists"): (
        "the provider reads an endpoint's prefix list",
        "ec2/vpc_endpoint_data_source.go, dataSourceVPCEndpointRead",
    ),
    ("LookOnTheWay", "ec2:DescribeVolumesModifications"): (
        "the provider waits until a volume has grown",
        "ec2/ebs_volume.go, waitVolumeUpdated",
    ),
    ("UseInterfaces", "ec2:AssociateAddress"): (
        "EC2 can also check the rights on the instance's network interface",
        "docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    ("UseInterfaces", "ec2:DisassociateAddress"): (
        "EC2 can also check the rights on the instance's network interface",
        "docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    ("ReadIdentities", "iam:ListRolePolicies"): ROLE_READ,
    ("ReadIdentities", "iam:ListAttachedRolePolicies"): ROLE_READ,
    ("ChangeIdentities", "iam:CreatePolicyVersion"): (UPGRADE, "iam/policy.go, resourcePolicyUpdate"),
    ("ChangeIdentities", "iam:DeletePolicyVersion"): (UPGRADE, "iam/policy.go, policyPruneVersions"),
    ("LinkDatabases", "iam:CreateServiceLinkedRole"): (
        "Timestream for InfluxDB creates its role with an account's first instance",
        "docs.aws.amazon.com/timestream/latest/developerguide/using-service-linked-roles.html",
    ),
    ("WriteWithKeys", "kms:GenerateDataKey"): (
        "a secret of more than 4 KiB (a long certificate chain) has a data key",
        "docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
    ),
    **{
        ("EncryptWithKeys", f"kms:ReEncrypt{each}"): (
            "EBS is documented to need it, for snapshots",
            "docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html",
        )
        for each in ("From", "To")
    },
    ("GiveRights", "iam:UpdateAssumeRolePolicy"): (UPGRADE, "iam/role.go, resourceRoleUpdate"),
    **{
        ("ReadBuckets", f"s3:{name}"): BUCKET_READ
        for name in (
            *("GetAccelerateConfiguration", "GetBucketAcl", "GetBucketCORS", "GetBucketLogging", "GetBucketWebsite"),
            *("GetBucketObjectLockConfiguration", "GetBucketRequestPayment", "GetReplicationConfiguration"),
        )
    },
    ("ReadBuckets", "s3:ListTagsForResource"): TAGS,
    ("ChangeBuckets", "s3:TagResource"): TAGS,
    ("ChangeBuckets", "s3:UntagResource"): TAGS,
}
