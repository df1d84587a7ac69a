"""The stack's own KMS key (`kmsKey`): what it encrypts, and who may use it for what."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components import data_volume
from program.key import find_key
from settings import load
from tests.components.conftest import KEY, Run, run_once, run_program, statements
from tests.support.configuration import raw

FOUND = {"arn": KEY, "keyManager": "CUSTOMER", "keyState": "Enabled"}
FOUND |= {"keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT"}
ALIAS = {"kmsKey": "alias/monitoring"}
FOLDER = "arn:aws:ssm:eu-central-1:111122223333:parameter/monitoring/prod.server"
BUCKET = "arn:aws:s3:::monitoring-prod-backups"


@pytest.fixture(scope="module")
def run() -> Run:
    return run_once({**ALIAS, "hostsByTag": {"Monitoring": "on"}})


def uses(policy: str) -> list[dict[str, Any]]:
    """The statements about keys."""
    return [each for each in statements(policy) if "kms:" in json.dumps(each["Action"])]


def test_the_key_encrypts_volumes_secrets_and_backups(run: Run) -> None:
    assert ("getKey", {"keyId": "alias/monitoring"}) in run.calls
    assert run.one("Volume")["kmsKeyId"] == KEY
    assert run.one("Instance")["rootBlockDevice"]["kmsKeyId"] == KEY
    secret = [each.inputs for each in run.all("Parameter") if each.inputs["type"] == "SecureString"]
    assert len(secret) > 6
    assert {each["keyId"] for each in secret} == {KEY}
    (rule,) = run.one("BucketServerSideEncryptionConfiguration")["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert rule["bucketKeyEnabled"] is True


def test_only_secret_parameters_have_the_key(run: Run) -> None:
    plain = [r for r in run.all("Parameter") if r.inputs["type"] == "String"]
    assert len(plain) > 6
    assert not [r.name for r in plain if "keyId" in r.inputs]


def test_without_it_aws_s_own_keys_are_used(prod: Run) -> None:
    assert not [call for call in prod.calls if call[0] == "getKey"]
    assert "kmsKeyId" not in prod.one("Volume")
    assert "kmsKeyId" not in prod.one("Instance")["rootBlockDevice"]
    # Named explicitly: a parameter that names no key keeps its previous one.
    secret = [each.inputs for each in prod.all("Parameter") if each.inputs["type"] == "SecureString"]
    assert {each["keyId"] for each in secret} == {"alias/aws/ssm"}
    assert not [each for each in prod.all("RolePolicy") if "kms:" in each.inputs["policy"]]


def test_the_server_decrypts_its_own_parameters_through_the_parameter_store(run: Run) -> None:
    assert uses(run.one("RolePolicy", "server-parameters")["policy"]) == [
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": KEY,
            "Condition": {
                "StringEquals": {"kms:ViaService": "ssm.eu-central-1.amazonaws.com"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": f"{FOLDER}/*"},
            },
        }
    ]


def test_the_server_writes_and_reads_its_backups_through_s3(run: Run) -> None:
    (use,) = uses(run.one("RolePolicy", "backups")["policy"])
    assert (use["Action"], use["Resource"]) == (["kms:GenerateDataKey", "kms:Decrypt"], KEY)
    assert use["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [BUCKET, f"{BUCKET}/*"]},
    }


def test_another_stack_s_backups_can_only_be_decrypted() -> None:
    run = run_once({**ALIAS, "restoreFrom": "s3://its-bucket/dev/latest"})
    _, use = uses(run.one("RolePolicy", "backups")["policy"])
    assert use["Action"] == ["kms:Decrypt"]
    context = use["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"]
    assert context == ["arn:aws:s3:::its-bucket", "arn:aws:s3:::its-bucket/*"]


def test_a_host_s_role_may_only_decrypt_the_passwords(run: Run) -> None:
    (use,) = uses(run.outputs["hostsByTagPolicy"])
    assert (use["Action"], use["Resource"]) == (["kms:Decrypt"], KEY)
    context = use["Condition"]["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"]
    assert context == [f"{FOLDER}/influxdb-telegraf-password", f"{FOLDER}/influxdb-other-password"]


def test_no_other_role_may_use_it(run: Run) -> None:
    with_it = {each.name for each in run.all("RolePolicy") if KEY in each.inputs["policy"]}
    assert with_it == {"server-parameters", "backups"}
    assert not [each for each in run.all("Policy") if "kms:" in each.inputs["policy"]]


def test_a_changed_secret_replaces_its_parameter(run: Run, prod: Run) -> None:
    """In an update the provider names the key only if the key changes, and without one AWS takes its own."""
    name = ("aws:ssm/parameter:Parameter", "grafana-admin-password")
    assert run.options[name].replaced_by == {"value"}
    assert prod.options[name].replaced_by == frozenset()
    assert not run.options["aws:ssm/parameter:Parameter", "server.conf"].replaced_by


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"keyState": "Disabled"}, rf"is disabled; enable it: aws kms enable-key --key-id {KEY}"),
        (
            {"keyState": "PendingDeletion"},
            rf"is scheduled for deletion; keep it: aws kms cancel-key-deletion --key-id {KEY}",
        ),
        ({"keyState": "PendingImport"}, "is in the state PendingImport; write one that is enabled"),
        ({"keyManager": "AWS"}, "is AWS's own key for one service"),
        ({"keySpec": "RSA_2048"}, "is for ENCRYPT_DECRYPT with RSA_2048; write a symmetric key"),
        ({"keyUsage": "SIGN_VERIFY", "keySpec": "RSA_2048"}, "is for SIGN_VERIFY with RSA_2048"),
        ({"keyUsage": "GENERATE_VERIFY_MAC", "keySpec": "HMAC_256"}, "is for GENERATE_VERIFY_MAC"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused(found: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"monitoring:kmsKey = alias/monitoring: {said}"):
        run_program(ALIAS, {"getKey": FOUND | found})


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (
            "reading KMS Key: operation error KMS: DescribeKey, NotFoundException: Alias is not found.",
            "monitoring:kmsKey = alias/monitoring: there is no such key in eu-central-1; write its ARN or alias",
        ),
        (
            "reading KMS Key: operation error KMS: DescribeKey, api error AccessDeniedException: not authorized",
            "monitoring:kmsKey = alias/monitoring: this identity may not describe it; allow it kms:DescribeKey",
        ),
        ("operation error KMS: DescribeKey, ThrottlingException: Rate exceeded", "and nothing was changed: operation"),
    ],
)
def test_the_reason_why_a_key_cannot_be_looked_up_is_reported(
    monkeypatch: pytest.MonkeyPatch, provider: str, said: str
) -> None:
    def refuse(**_: Any) -> None:
        raise Exception(f"invoke of aws:kms/getKey:getKey failed: {provider}")

    monkeypatch.setattr("pulumi_aws.kms.get_key", refuse)
    with pytest.raises(pulumi.RunError) as error:
        find_key(load(raw(**ALIAS)), pulumi.InvokeOptions())
    assert said in str(error.value)
    assert error.value.__cause__ is None


def test_a_data_volume_with_another_key_is_refused_at_the_preview() -> None:
    """EBS cannot change it, and AWS would say so after other changes."""
    assert data_volume._with_its_key("vol-1", KEY, wanted=KEY) == "vol-1"
    with pytest.raises(pulumi.RunError, match=rf"kmsKey = {KEY}: the data volume is encrypted with another-key"):
        data_volume._with_its_key("vol-1", "another-key", wanted=KEY)


def test_the_data_volume_keeps_its_key_unless_a_backup_is_restored(run: Run) -> None:
    assert "kmsKeyId" in run.options["aws:ebs/volume:Volume", "data"].ignore_changes
    restored = run_once({**ALIAS, "restoreFrom": "latest"})
    assert "kmsKeyId" not in restored.options["aws:ebs/volume:Volume", "data"].ignore_changes
