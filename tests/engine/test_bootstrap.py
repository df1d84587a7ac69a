"""The bootstrap with the real engine in the local AWS, and who can assume its roles."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.bootstrapped import DEPLOY, PREVIEW, REPOSITORY, Bootstrap, Job
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow


def test_a_second_preview_shows_no_changes(bootstrap: Bootstrap) -> None:
    """Not even with a refresh: AWS has nothing that the program did not ask for."""
    said = bootstrap.run("preview", "--refresh", "--stack", "dev")
    assert re.search(r"\n +[0-9]+ unchanged\n", said)
    assert not re.findall(r" to (?:create|update|replace|delete)", said)


def test_the_state_bucket_is_closed(bootstrap: Bootstrap, aws: Cloud) -> None:
    bucket = bootstrap.variables["PULUMI_BACKEND"].removeprefix("s3://").partition("?")[0]
    s3, kms = Job(aws, _administrator(bootstrap)).client("s3"), aws.client("kms")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert kms.get_key_rotation_status(KeyId=key.rpartition("/")[2])["KeyRotationEnabled"]
    (expiry,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (expiry["NoncurrentVersionExpiration"]["NoncurrentDays"], expiry.get("Expiration")) == (90, None)
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("s3").put_object(Bucket=bucket, Key="without-tls", Body=b"a")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    version = s3.list_object_versions(Bucket=bucket)["Versions"][0]["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="a", VersionId=version)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_bucket(Bucket=bucket)


def _administrator(bootstrap: Bootstrap) -> dict[str, str]:
    return {name: bootstrap.env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def test_each_role_can_be_assumed_only_by_its_own_jobs(bootstrap: Bootstrap, aws: Cloud) -> None:
    roles = {each: bootstrap.variables[f"AWS_{each}_ROLE"] for each in ("PREVIEW", "DEPLOY")}
    branch = f"repo:{REPOSITORY}:ref:refs/heads/main"
    right = {("PREVIEW", PREVIEW), ("PREVIEW", branch), ("DEPLOY", DEPLOY), ("DEPLOY", DEPLOY.replace("prod", "dev"))}
    wrong = [
        f"repo:{REPOSITORY}:ref:refs/heads/other",
        f"repo:{REPOSITORY}:ref:refs/tags/main",
        f"repo:{REPOSITORY}:environment:test",
        f"repo:{REPOSITORY}:environment:main",
        # A namesake, after the organization or the repository was deleted: without ids, or with different ones.
        "repo:octo-org/monitoring:environment:prod",
        "repo:octo-org@123457/monitoring@456789:environment:prod",
        "repo:octo-org@123456/monitoring@456790:environment:prod",
        # A fork's own workflows.
        "repo:forker@7/monitoring@8:pull_request",
        "repo:forker@7/monitoring@8:environment:prod",
    ]
    got = set()
    for role, subject in itertools.product(roles, [*(subject for _, subject in right), *wrong]):
        try:
            Job.of(aws, roles[role], subject)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
        else:
            got.add((role, subject))
    assert got == right


@pytest.mark.parametrize("claims", [{"aud": "https://github.com/octo-org"}, {"iss": "https://example.com"}, {"exp": 1}])
def test_the_right_subject_alone_is_not_enough(bootstrap: Bootstrap, aws: Cloud, claims: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        Job.of(aws, bootstrap.variables["AWS_DEPLOY_ROLE"], DEPLOY, **claims)


def test_the_outputs_are_the_variables_to_set_on_github(bootstrap: Bootstrap) -> None:
    outputs = json.loads(bootstrap.run("stack", "output", "--json", "--stack", "dev"))
    assert set(outputs["variables"]) == {
        *("AWS_REGION", "AWS_PREVIEW_ROLE", "AWS_DEPLOY_ROLE", "PULUMI_BACKEND", "PULUMI_SECRETS_PROVIDER"),
    }
    assert all("--repo octo-org/monitoring " in line for line in outputs["commands"])
    assert len(outputs["commands"]) == 5


def test_destroy_is_refused_before_anything_is_deleted(bootstrap: Bootstrap, aws: Cloud) -> None:
    for how in ([], ["--skip-preview"]):
        said = bootstrap.run("destroy", "--yes", "--stack", "dev", *how, fails=True)
        assert "states-of-all-stacks-and-their-key" in said
        assert "protected" in said
    Job.of(aws, bootstrap.variables["AWS_DEPLOY_ROLE"], DEPLOY)
    assert bootstrap.preview() == {}


def test_a_wrong_setting_is_one_clear_error(bootstrap: Bootstrap) -> None:
    said = bootstrap.run(
        "preview", "--stack", "dev", "--config", "monitoring-bootstrap:repository=octo-org/*", fails=True
    )
    # Pulumi saves what --config sets.
    bootstrap.run("config", "set", "--stack", "dev", "monitoring-bootstrap:repository", REPOSITORY)
    assert "monitoring-bootstrap:repository" in said
    assert "write OWNER/NAME" in said
    assert "Traceback" not in said


def test_an_existing_oidc_provider_is_not_created_again(bootstrap: Bootstrap, aws: Cloud, tmp_path: Path) -> None:
    """To another repository's bootstrap in the same account, the first one's provider is somebody else's."""
    iam = aws.client("iam")
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1
    second = Bootstrap.make(tmp_path / "home", tmp_path / "person", aws, stack="second")
    steps = second.preview()
    assert not [name for name in steps if name.startswith("OpenIdConnectProvider")]
