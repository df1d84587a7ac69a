"""A stack with its own KMS key (`kmsKey`), in the local AWS: the engine is real, no server boots."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import cloud
from tests.engine.bootstrapped import Job
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import REGION, Cloud, allow
from tests.sandbox.cloud.test_keys import plain
from tests.sandbox.cloud.test_resources import key_with

pytestmark = pytest.mark.slow

ROTATED = {"grafana-admin-password", "grafana-automation-password"}


def said(product: Product) -> str:
    return " ".join(product.refused().split())


def alias(aws: Cloud, key: str) -> str:
    name = f"alias/monitoring-{uuid.uuid4()}"
    aws.client("kms").create_alias(AliasName=name, TargetKeyId=key)
    return name


def secrets(aws: Cloud, product: Product) -> dict[str, tuple[str, int]]:
    """Name → key and version of each of the stack's secret parameters."""
    found: dict[str, tuple[str, int]] = {}
    for each in product.resources("aws:ssm/parameter:Parameter"):
        if each["inputs"]["type"] == "SecureString":
            filters = [{"Key": "Name", "Values": [each["id"]]}]
            (one,) = aws.client("ssm").describe_parameters(ParameterFilters=filters)["Parameters"]
            found[each["id"].rpartition("/")[2]] = (one["KeyId"], one["Version"])
    return found


def by_default(aws: Cloud, bucket: str) -> dict[str, str]:
    """How what is written into a bucket is encrypted; it answers over TLS only."""
    s3 = Job(aws, cloud.admin_credentials(aws.place)).client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return dict(rule["ApplyServerSideEncryptionByDefault"])


def test_a_key_that_cannot_be_used_is_refused_first(mine: Product, aws: Cloud) -> None:
    pending = key_with(aws)
    aws.client("kms").schedule_key_deletion(KeyId=plain(pending), PendingWindowInDays=7)
    closed = key_with(aws, {**allow("kms:*"), "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}})
    for key, wrong in (
        ("alias/nothing", f"there is no such key in {REGION}; write its ARN or alias"),
        (pending, "is scheduled for deletion; keep it: aws kms cancel-key-deletion"),
        (
            closed,
            "policy delegates to IAM: a statement that allows kms:* to arn:aws:iam::ACCOUNT:root",
        ),
    ):
        mine.configure(kmsKey=key)
        refused = said(mine)
        assert f"monitoring:kmsKey = {key}: " in refused
        assert wrong in refused
        assert "Traceback" not in refused


def test_a_data_volume_keeps_its_key(mine: Product, aws: Cloud) -> None:
    key = key_with(aws)
    mine.configure(kmsKey=key)
    refused = said(mine)
    assert f"monitoring:kmsKey = {key}: the data volume is encrypted with arn:aws:kms:" in refused
    assert "make a backup (backups.now) and also write restoreFrom: latest" in refused
    mine.configure(kmsKey=key, restoreFrom="latest")
    changes = mine.preview()
    assert changes["Volume::data"] == "replace"


@pytest.fixture(scope="module")
def keyed(person: Callable[..., Product], aws: Cloud) -> Any:
    """A stack that had its own key from the start, and the key."""
    made, key = person(), key_with(aws)
    made.configure(kmsKey=alias(aws, key))
    made.up()
    yield made, key
    made.destroy()


def test_everything_is_encrypted_with_the_key_from_the_start(keyed: tuple[Product, str], aws: Cloud) -> None:
    product, key = keyed
    assert {one for one, _ in secrets(aws, product).values()} == {key}
    ids = [each["id"] for each in product.resources("aws:ebs/volume:Volume")]
    (instance,) = product.resources("aws:ec2/instance:Instance")
    ids.append(instance["outputs"]["rootBlockDevice"]["volumeId"])
    assert {each["KmsKeyId"] for each in aws.client("ec2").describe_volumes(VolumeIds=ids)["Volumes"]} == {key}
    bucket = product.resources("aws:s3/bucket:Bucket")[0]["id"]
    assert by_default(aws, bucket) == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def test_new_passwords_are_encrypted_with_it_too(keyed: tuple[Product, str], aws: Cloud) -> None:
    product, key = keyed
    (server,) = product.resources("aws:ec2/instance:Instance")
    before = product.resources("aws:ssm/parameter:Parameter")
    product.configure(passwordGeneration=2)
    product.up()
    assert {one for one, _ in secrets(aws, product).values()} == {key}
    values = {each["id"]: each["inputs"].get("value") for each in before}
    changed = {
        each["id"].rpartition("/")[2]
        for each in product.resources("aws:ssm/parameter:Parameter")
        if values.get(each["id"]) != each["inputs"].get("value")
    }
    assert ROTATED & changed, "nothing was tried"
    # Secrets are replaced, and nothing that waits for them.
    (after,) = product.resources("aws:ec2/instance:Instance")
    assert after["id"] == server["id"]


def test_without_it_parameters_and_new_backups_go_back_to_aws_s_keys(keyed: tuple[Product, str], aws: Cloud) -> None:
    product, key = keyed
    product.configure(kmsKey=None)
    product.up()
    assert {one for one, _ in secrets(aws, product).values()} == {"alias/aws/ssm"}
    (volume,) = product.resources("aws:ebs/volume:Volume")
    assert volume["outputs"]["kmsKeyId"] == key, "a volume keeps its key"
    bucket = product.resources("aws:s3/bucket:Bucket")[0]["id"]
    assert by_default(aws, bucket) == {"SSEAlgorithm": "AES256"}
