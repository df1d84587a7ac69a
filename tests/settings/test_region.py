"""The setting `aws:region`."""

from __future__ import annotations

import botocore.session
import pytest

from settings import load
from settings.aws_names import known_regions
from tests.support.configuration import REQUIRED, mistakes


@pytest.mark.parametrize(
    ("region", "wrong"),
    [
        ("", "is empty"),
        ("eu-middle-1", "is not an AWS region; did you mean eu-west-1?"),
        ("Frankfurt", "is not an AWS region; write a region's name"),
        ("EU-CENTRAL-1", "is not an AWS region; did you mean eu-central-1?"),
    ],
)
def test_an_unknown_region_is_reported(region: str, wrong: str) -> None:
    (line,) = mistakes(REQUIRED | {"aws:region": region})
    assert line.startswith(f'aws:region = "{region}": {wrong}')


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("eusc-de-east-1", "aws-eusc"), ("us-iso-east-1", "aws-iso")]
)
def test_a_region_whose_services_have_other_domains_is_refused(region: str, partition: str) -> None:
    (reported,) = mistakes(REQUIRED | {"aws:region": region})
    assert reported.startswith(f'aws:region = "{region}": is in the AWS partition {partition}, ')


def test_the_regions_are_those_of_botocore() -> None:
    theirs = botocore.session.Session()
    assert known_regions() == {
        region: partition
        for partition in theirs.get_available_partitions()
        for region in theirs.get_available_regions("ec2", partition_name=partition)
    }
    assert all(theirs.get_partition_for_region(name) == partition for name, partition in known_regions().items())


def test_a_region_without_debian_s_account_requires_an_image() -> None:
    (reported,) = mistakes(REQUIRED | {"aws:region": "us-gov-west-1"})
    assert reported.startswith("monitoring:amiId: is missing: ")
    assert load(REQUIRED | {"aws:region": "us-gov-west-1", "monitoring:amiId": "ami-0123456789abcdef0"}).ami_id


def test_a_missing_region_is_reported() -> None:
    reported = mistakes({key: value for key, value in REQUIRED.items() if key != "aws:region"})
    assert reported == ["aws:region: is missing; write the region, such as eu-central-1"]
