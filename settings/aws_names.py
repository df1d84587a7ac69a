"""Names that AWS assigns: partitions, regions, EC2's resource IDs, instance types."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BeforeValidator

from settings.mistakes import WrongValueError
from settings.values import DOMAIN, matching, text


@lru_cache(maxsize=1)
def aws_partitions() -> list[dict[str, Any]]:
    """AWS's partitions as botocore ships them, with their regions and endpoints (data/endpoints.json).

    Not through botocore's own session, which imports its whole client and reads EC2's API: that takes a tenth of a
    preview's CPU time.
    """
    return list(json.loads((files("botocore") / "data/endpoints.json").read_bytes())["partitions"])


@lru_cache(maxsize=1)
def known_regions() -> dict[str, str]:
    """Every EC2 region in botocore's endpoint data -> its partition: aws, aws-cn, aws-us-gov, aws-eusc, …"""
    return {
        region: one["partition"]
        for one in aws_partitions()
        for region in one["services"].get("ec2", {"endpoints": ()})["endpoints"]
        if region in one["regions"]  # the others are FIPS endpoints
    }


PARTITIONS = ("aws", "aws-us-gov")
"""The partitions whose services have names below amazonaws.com (botocore's partitions.json), and in whose trust
policies EC2 is the principal ec2.amazonaws.com."""


def partition(name: str) -> str:
    """The partition of a known region."""
    return known_regions()[name]


def region(value: Any) -> str:
    """The name of an AWS region (docs.aws.amazon.com/general/latest/gr/rande.html) that botocore's data has."""
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

    name = text(value)
    if name not in known_regions():
        close = get_close_matches(name.lower(), sorted(known_regions()), n=1)
        guess = f"did you mean {close[0]}?" if close else "write a region's name, such as eu-central-1"
        raise WrongValueError("is not an AWS region", guess)
    if partition(name) not in PARTITIONS:
        wrong = f"is in the AWS partition {partition(name)}, whose domain and service names the server does not know"
        raise WrongValueError(wrong, f"write a region of {' or '.join(PARTITIONS)}, such as eu-central-1")
    return name


Region = Annotated[str, BeforeValidator(region)]
# docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html: up to 255 ASCII characters.
KeyName = Annotated[
    str, matching(r"[ -~]{1,255}", "is not the name of a key pair", "write its name as EC2 shows it, in ASCII letters")
]
# docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html; Macs cannot boot Debian.
InstanceType = Annotated[
    str,
    matching(
        r"(?!mac)(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*"
        r"\.(nano|micro|small|medium|x?large|[1-9][0-9]{0,2}xlarge|metal(-[1-9][0-9]{0,2}xl)?)",
        "is not an EC2 instance type",
        "write family and size, such as t4g.small",
    ),
]
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html: 17 hexadecimal digits, or 8 from before 2018.
AmiId = Annotated[
    str, matching(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", "is not an AMI ID", "write it as ami-0123456789abcdef0")
]
VpcId = Annotated[
    str, matching(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})", "is not a VPC ID", "write it as vpc-0123456789abcdef0")
]
SubnetId = Annotated[
    str, matching(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", "is not a subnet ID", "write it as subnet-0123456789abcdef0")
]
ZONE_ID = r"Z[A-Z0-9]{1,31}"
# docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html: at most 32 characters.
Zone = Annotated[
    str,
    matching(rf"{ZONE_ID}|{DOMAIN}", "is not a zone of Route 53", "write its ID or its name, such as example.com"),
]


def lies_in(domain: str, zone: str) -> bool:
    """Whether a DNS name is a zone's own name or lies below it."""
    return domain == zone or domain.endswith(f".{zone}")


KMS = r"arn:(aws|aws-us-gov):kms:[a-z0-9-]{1,32}:[0-9]{12}:"
KEY_ARN = rf"{KMS}key/([0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|mrk-[0-9a-f]{{32}})"
"""docs.aws.amazon.com/kms/latest/developerguide/concepts-identifiers.html; mrk- are keys of several regions."""
# docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html: 256 characters; aws/ begins the names of AWS's keys.
ALIAS = r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}"
KmsKey = Annotated[
    str,
    matching(
        rf"{KEY_ARN}|({KMS})?{ALIAS}",
        "is not a KMS key of yours",
        "write its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID, or its alias, such as alias/monitoring",
    ),
]
PolicyArn = Annotated[
    str,
    # docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: names of policies, and their paths.
    matching(
        r"arn:(aws|aws-us-gov):iam::([0-9]{12}|aws):policy/(?=.{1,512}$)([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}",
        "is not the ARN of a managed policy",
        "write it as arn:aws:iam::123456789012:policy/monitoring-boundary",
    ),
]
