"""The gate and the list of backups ask AWS as the provider does: with every key, role and endpoint of the settings.
With AWS's answers: tests/engine/test_account.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from program.identity import identity

REGION = "eu-central-1"
TAGS = {"tags": {"team": "web"}, "transitiveTagKeys": ["team"]}
ROLE: dict[str, Any] = {"roleArn": "arn:aws:iam::1:role/first"}


class Aws:
    """Sessions and requests, in order. A session is named after whom it belongs to: a role, else `given`."""

    def __init__(self) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.clients: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []

    def session(self, **given: Any) -> Any:
        self.sessions.append({name: value for name, value in given.items() if value is not None})
        return Session(self, str(given.get("aws_session_token") or "given"))


class Session:
    def __init__(self, aws: Aws, who: str) -> None:
        self.aws, self.who = aws, who

    def client(self, service: str, **where: Any) -> Any:
        self.aws.clients.append({"who": self.who, "service": service, **where})
        return self

    def _assume(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.aws.requests.append({"who": self.who, "action": action, **asked})
        name = asked["RoleArn"].rpartition("/")[2]
        return {"Credentials": {"AccessKeyId": "id", "SecretAccessKey": "key", "SessionToken": name}}

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        return self._assume("AssumeRole", asked)

    def assume_role_with_web_identity(self, **asked: Any) -> dict[str, Any]:
        return self._assume("AssumeRoleWithWebIdentity", asked)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    made = Aws()
    monkeypatch.setattr(boto3, "Session", made.session)
    return made


def test_without_settings_boto3_looks_in_the_environment(aws: Aws) -> None:
    identity({}, REGION).client("ec2")
    assert aws.sessions == [{}]
    assert aws.clients == [{"who": "given", "service": "ec2", "region_name": REGION, "endpoint_url": None}]


def test_keys_and_a_profile_of_the_settings_are_used(aws: Aws) -> None:
    identity({"profile": "team", "accessKey": "id", "secretKey": "key", "token": "session"}, REGION)
    assert aws.sessions == [
        {
            "profile_name": "team",
            "aws_access_key_id": "id",
            "aws_secret_access_key": "key",
            "aws_session_token": "session",
        }
    ]


def test_each_service_has_its_endpoint(aws: Aws) -> None:
    endpoints = [{"ec2": "https://ec2.a.b"}, {"sts": "https://sts.a.b", "s3": "https://s3.a.b"}]
    found = identity({"endpoints": endpoints, "assumeRoles": [ROLE], "stsRegion": "us-east-1"}, REGION)
    for service in ("ec2", "s3", "ssm"):
        found.client(service)
    assert [(each["service"], each["region_name"], each["endpoint_url"]) for each in aws.clients] == [
        ("sts", "us-east-1", "https://sts.a.b"),
        ("ec2", REGION, "https://ec2.a.b"),
        ("s3", REGION, "https://s3.a.b"),
        ("ssm", REGION, None),
    ]


def test_roles_are_assumed_one_after_the_other(aws: Aws) -> None:
    second = {"roleArn": "arn:aws:iam::2:role/second", "sessionName": "pipeline", "externalId": "x", **TAGS}
    more = {"sourceIdentity": "me", "policy": "{}", "policyArns": ["arn:aws:iam::aws:policy/a"]}
    identity({"assumeRoles": [ROLE, second | more]}, REGION).client("ec2")
    assert aws.requests == [
        {"who": "given", "action": "AssumeRole", "RoleArn": ROLE["roleArn"], "RoleSessionName": "monitoring"},
        {
            "who": "first",
            "action": "AssumeRole",
            "RoleArn": "arn:aws:iam::2:role/second",
            "RoleSessionName": "pipeline",
            "ExternalId": "x",
            "SourceIdentity": "me",
            "Policy": "{}",
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/a"}],
            "Tags": [{"Key": "team", "Value": "web"}],
            "TransitiveTagKeys": ["team"],
        },
    ]
    assert aws.clients[-1]["who"] == "second"
    assert aws.sessions[-1] == {
        "aws_access_key_id": "id",
        "aws_secret_access_key": "key",
        "aws_session_token": "second",
    }


@pytest.mark.parametrize("given", [{"webIdentityToken": "a token"}, {"webIdentityTokenFile": "~/token"}])
def test_a_web_identity_comes_before_the_roles(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("a token\n")
    web = {"roleArn": "arn:aws:iam::1:role/web", **given}
    identity({"assumeRoleWithWebIdentity": web, "assumeRoles": [ROLE]}, REGION).client("ec2")
    assert [(each["who"], each["action"], each.get("WebIdentityToken")) for each in aws.requests] == [
        ("given", "AssumeRoleWithWebIdentity", "a token"),
        ("web", "AssumeRole", None),
    ]
    assert aws.clients[-1]["who"] == "first"


@pytest.mark.parametrize(
    ("setting", "variable"),
    [("sharedConfigFiles", "AWS_CONFIG_FILE"), ("sharedCredentialsFiles", "AWS_SHARED_CREDENTIALS_FILE")],
)
def test_the_last_file_of_each_kind_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, variable: str
) -> None:
    """botocore knows one; of several, the provider's last one wins."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.setenv(name, "")  # also restores what `identity` sets
        monkeypatch.delenv(name)
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"[default]\naws_access_key_id = {name}\naws_secret_access_key = key\n")
    session = identity({setting: ["~/one", "~/two"]}, REGION).session
    assert os.environ[variable] == f"{tmp_path}/two"
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.access_key == "two"
