"""The backups' bucket and what the server may do in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.conftest import Run, run_once, statements

BUCKET = "monitoring-prod-backups"
ARN = f"arn:aws:s3:::{BUCKET}"


def rights(run: Run) -> list[dict[str, Any]]:
    return statements(run.one("RolePolicy", "backups")["policy"])


def test_the_bucket_is_private_versioned_encrypted_and_requires_tls(prod: Run) -> None:
    assert prod.one("Bucket")["tags"]["Name"] == BUCKET
    assert "bucket" not in prod.one("Bucket"), "Pulumi chooses a unique name"
    block = prod.one("BucketPublicAccessBlock")
    assert {value for name, value in block.items() if name != "bucket"} == {True}
    assert len(block) == 5
    assert prod.one("BucketOwnershipControls")["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert prod.one("BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
    (encryption,) = prod.one("BucketServerSideEncryptionConfiguration")["rules"]
    assert encryption["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    (statement,) = statements(prod.one("BucketPolicy")["policy"])
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [ARN, f"{ARN}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_old_backups_old_versions_and_unfinished_uploads_expire() -> None:
    (rule,) = run_once({"backups": {"keep": 30}}).one("BucketLifecycleConfiguration")["rules"]
    assert rule["status"] == "Enabled"
    assert rule["filter"] == {"prefix": ""}
    assert (rule["expiration"], rule["noncurrentVersionExpiration"]) == ({"days": 30}, {"noncurrentDays": 30})
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}


@pytest.mark.parametrize(("protect", "force"), [("true", False), ("false", True)])
def test_only_an_unprotected_bucket_is_deleted_with_its_contents(protect: str, force: bool) -> None:
    assert run_once({"protect": protect}).one("Bucket")["forceDestroy"] is force


def test_the_server_may_add_and_read_backups_but_not_delete_them(prod: Run) -> None:
    assert rights(prod) == [
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"{ARN}/prod/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": ARN,
            "Condition": {"StringLike": {"s3:prefix": "prod/*"}},
        },
    ]


def test_another_stack_s_backups_can_only_be_read() -> None:
    run = run_once({"restoreFrom": "s3://its-bucket/dev/latest"})
    *own, read, listing = rights(run)
    assert "its-bucket" not in json.dumps(own)
    assert read == {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::its-bucket/dev/*"}
    assert listing == {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::its-bucket",
        "Condition": {"StringLike": {"s3:prefix": "dev/*"}},
    }


@pytest.mark.parametrize(
    ("restore_from", "reported"),
    [
        ("", ""),
        ("latest", f"{BUCKET}/prod/latest"),
        ("2026-11-24T04-00-00Z", f"{BUCKET}/prod/2026-11-24T04-00-00Z"),
        ("s3://its-bucket/dev/latest", "its-bucket/dev/latest"),
    ],
)
def test_the_server_is_given_the_backup_to_restore(restore_from: str, reported: str) -> None:
    run = run_once({"restoreFrom": restore_from})
    assert f"RESTORE_FROM={reported or chr(39) * 2}\n" in run.one("Parameter", "server.conf")["insecureValue"]


def test_without_backups_there_is_no_bucket_and_no_permission_for_one() -> None:
    run = run_once({"backups": {"enabled": False}})
    assert not [r for r in run.resources if "s3/" in r.type]
    assert [r.name for r in run.all("RolePolicy")] == ["server-parameters"]
    assert run.outputs["backupBucket"] == ""
    assert "backup status" not in run.one("Parameter", "telegraf.conf")["insecureValue"]


def test_without_backups_another_stack_s_can_still_be_restored() -> None:
    run = run_once({"backups": {"enabled": False}, "restoreFrom": "s3://its-bucket/dev/latest"})
    assert {statement["Resource"] for statement in rights(run)} == {
        "arn:aws:s3:::its-bucket/dev/*",
        "arn:aws:s3:::its-bucket",
    }
