"""A stack with its own KMS key (`kmsKey`), in the local AWS: the engine is real, and no server boots."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import cloud
from tests.engine.bootstrapped import Job
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import REGION, Cloud, allow, key_id, kms_key

pytestmark = pytest.mark.slow

ROTATED = {"grafana-admin-password", "grafana-automation-password"}


def refusal(product: Product) -> str:
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
    """The default encryption of a bucket, asked over TLS, as the bucket requires it."""
    s3 = Job(aws, cloud.admin_credentials(aws.place)).client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return dict(rule["ApplyServerSideEncryptionByDefault"])


def test_an_unusable_key_is_refused_at_the_preview(product: Product, aws: Cloud) -> None:
    pending = kms_key(aws)
    aws.client("kms").schedule_key_deletion(KeyId=key_id(pending), PendingWindowInDays=7)
    closed = kms_key(aws, {**allow("kms:*"), "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}})
    for key, wrong in (
        ("alias/nothing", f"there is no such key in {REGION}; write its ARN or alias"),
        (pending, "is scheduled for deletion; keep it: aws kms cancel-key-deletion"),
        (
            closed,
            "policy delegates to IAM: a statement that allows kms:* to arn:aws:iam::ACCOUNT:root",
        ),
    ):
        product.configure(kmsKey=key)
        refused = refusal(product)
        assert f"monitoring:kmsKey = {key}: " in refused
        assert wrong in refused
        assert "Traceback" not in refused


def test_a_data_volume_keeps_its_key(product: Product, aws: Cloud) -> None:
    key = kms_key(aws)
    product.configure(kmsKey=key)
    refused = refusal(product)
    assert f"monitoring:kmsKey = {key}: the data volume is encrypted with arn:aws:kms:" in refused
    assert "make a backup (backups.now) and also write restoreFrom: latest" in refused
    product.configure(kmsKey=key, restoreFrom="latest")
    changes = product.preview()
    assert changes["Volume::data"] == "replace"


@pytest.fixture(scope="module")
def keyed(make_product: Callable[..., Product], aws: Cloud) -> Any:
    """A stack that has had its own key from the start, and that key."""
    made, key = make_product(), kms_key(aws)
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


def test_new_passwords_are_encrypted_with_the_key(keyed: tuple[Product, str], aws: Cloud) -> None:
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
    assert changed >= ROTATED, "the passwords were not replaced"
    # Nothing that depends on the secrets is replaced.
    (after,) = product.resources("aws:ec2/instance:Instance")
    assert after["id"] == server["id"]


def test_without_the_key_parameters_and_new_backups_use_the_keys_of_aws(keyed: tuple[Product, str], aws: Cloud) -> None:
    product, key = keyed
    product.configure(kmsKey=None)
    product.up()
    assert {one for one, _ in secrets(aws, product).values()} == {"alias/aws/ssm"}
    (volume,) = product.resources("aws:ebs/volume:Volume")
    assert volume["outputs"]["kmsKeyId"] == key, "the volume has another key"
    bucket = product.resources("aws:s3/bucket:Bucket")[0]["id"]
    assert by_default(aws, bucket) == {"SSEAlgorithm": "AES256"}
