"""The settings `aws:…`: each mistake is one line without the value, reported before the provider sees it."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import _types

from program import aws_settings
from program.provider import aws_provider

MARKER = "hunter2-Qx7vLw9zKp3mRt5bNc8dJf4gHs6a"
DIGITS = "9" * 5000
ROLE = {"roleArn": "arn:aws:iam::111122223333:role/deployer"}
STACK_TAGS = {"project": "monitoring", "stack": "prod"}

WRONG: list[tuple[str, Any, str]] = [
    # setting, value (anything but text becomes JSON), what is reported
    ("regoin", "eu-central-1", "is not a setting of the AWS provider; did you mean aws:region?"),
    ("frobnicate", "x", "is not a setting of the AWS provider; remove it"),
    ("secretKey", MARKER, "is not encrypted; take it out and run pulumi config set --secret aws:secretKey"),
    ("token", MARKER, "is not encrypted"),
    ("assumeRoleWithWebIdentity", ROLE | {"webIdentityToken": MARKER}, "is not encrypted"),
    # numbers
    ("maxRetries", DIGITS, "is not an integer"),
    ("maxRetries", f"-{DIGITS}", "is not an integer"),
    ("maxRetries", "99999999999", "is not an integer"),
    ("maxRetries", "2.5", "is not an integer"),
    ("maxRetries", "1e999999", "is not an integer"),
    ("maxRetries", "NaN", "is not an integer"),
    ("maxRetries", "many", "is not an integer"),
    ("maxRetries", "٣", "is not an integer"),
    ("maxRetries", "true", "is not an integer"),
    ("maxRetries", f"[{DIGITS}]", "is not an integer"),
    ("tokenBucketRateLimiterCapacity", DIGITS, "is not an integer"),
    # true and false
    ("insecure", "yes", "is not true or false; write true or false"),
    ("insecure", "1", "is not true or false"),
    ("insecure", "True", "is not true or false"),
    ("skipRegionValidation", {}, "is not true or false"),
    # lists and objects
    ("assumeRoleWithWebIdentity", ROLE | {MARKER: "x"}, ".(secret): is not a setting of the AWS provider; remove it"),
    ("assumeRoles", "arn:aws:iam::1:role/x", "is not a list"),
    ("assumeRoles", ROLE, "is not a list"),
    ("assumeRoles", ["arn:aws:iam::1:role/x"], "[0]: is not an object"),
    ("assumeRoles", [{"rolearn": "x"}], "[0].rolearn: is not a setting of the AWS provider; did you mean "),
    ("assumeRoles", [{"sessionName": "x"}], "[0].roleArn: is missing"),
    ("assumeRoles", [ROLE, {"roleArn": 5}], "[1].roleArn: is not a string; write it in quotes"),
    ("assumeRoles", [ROLE | {"policyArns": "arn:aws:iam::1:policy/x"}], "[0].policyArns: is not a list"),
    ("assumeRoles", [ROLE | {"tags": ["a"]}], "[0].tags: is not an object"),
    ("assumeRoles", [ROLE | {"tags": {"a": None}}], "[0].tags.a: is not a string"),
    ("assumeRoleWithWebIdentity", [ROLE], "is not an object"),
    ("assumeRoleWithWebIdentity", {"webIdentityTokenFile": "/x"}, ".roleArn: is missing"),
    ("endpoints", {"s3": "https://a.b"}, "is not a list"),
    ("endpoints", [{"s4": "https://a.b"}], "[0].s4: is not a setting of the AWS provider"),
    ("sharedConfigFiles", "~/.aws/config", "is not a list"),
    ("sharedConfigFiles", "[" * 100_000, "levels of nested lists|is not a list"),
    ("endpoints", "[" * 100 + "]" * 100, "levels of nested lists"),
    # YAML takes an unquoted ID for a number
    ("forbiddenAccountIds", "[111122223333]", "[0]: is not a string; write it in quotes"),
    ("allowedAccountIds", ["1111-2222-3333"], "[0]: is not an account's id; write its 12 digits"),
    ("allowedAccountIds", ["١١١١٢٢٢٢٣٣٣٣"], "[0]: is not an account's id"),
    # tags
    ("defaultTags", {"team": "web"}, ".team: is not a setting of the AWS provider"),
    ("defaultTags", {"tags": [1]}, ".tags: is not an object"),
    ("defaultTags", {"tags": {"team": 7}}, ".tags.team: is not a string"),
    ("defaultTags", {"tags": {"te#am": "x"}}, '.tags: "te#am" has a character that AWS tags do not allow'),
    ("defaultTags", {"tags": {"aws:team": "x"}}, '.tags: "aws:team" starts with aws:'),
    ("defaultTags", {"tags": {"team": "x" * 257}}, '.tags: "team" is too long'),
    ("defaultTags", {"tags": {"team": "x", "Team": "y"}}, "is given twice, differing only in case"),
    ("defaultTags", {"tags": {"Stack": "x"}}, '.tags: "Stack" is given twice, differing only in case'),
    ("defaultTags", {"tags": {f"tag-{n}": "x" for n in range(48)}}, "makes 50 tags together with the stack's own"),
]


def configured(monkeypatch: pytest.MonkeyPatch, raw: dict[str, str], secret: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the provider is given."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(aws, "Provider", lambda _, **named: given.update(named))
    aws_provider(raw, secret, "eu-central-1", STACK_TAGS)
    return given


@pytest.mark.parametrize(("name", "value", "reported"), WRONG, ids=lambda value: ascii(value)[:50])
def test_a_mistake_is_one_line_without_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, reported: str
) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(pulumi.RunError) as caught:
        configured(monkeypatch, {f"aws:{name}": text})
    line = str(caught.value)
    assert line.startswith(f"aws:{name}")
    assert any(each in line for each in reported.split("|")), line
    assert "; " in line, "what to write instead"
    assert len(line) < 300
    assert line.isprintable()
    assert MARKER[:8] not in line


def test_valid_settings_reach_the_provider_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {
        "aws:region": "eu-central-1",
        "aws:maxRetries": "5",
        "aws:insecure": "true",
        "aws:profile": "me",
        "aws:accessKey": "",
        "aws:secretKey": MARKER,
        "aws:allowedAccountIds": '["012345678901"]',
        "aws:assumeRoles": json.dumps([ROLE | {"tags": {"a": "b"}, "transitiveTagKeys": ["a"]}]),
        "aws:endpoints": '[{"s3": "https://s3.example.com"}]',
        "aws:defaultTags": '{"tags": {"team": "web", "stack": "mine"}}',
        "monitoring:maxRetries": "not ours",
    }
    given = configured(monkeypatch, raw, ("aws:secretKey",))
    assert given == {
        "region": "eu-central-1",
        "max_retries": 5,
        "insecure": True,
        "profile": "me",
        "secret_key": MARKER,
        "allowed_account_ids": ["012345678901"],
        "assume_roles": [ROLE | {"tags": {"a": "b"}, "transitiveTagKeys": ["a"]}],
        "endpoints": [{"s3": "https://s3.example.com"}],
        "default_tags": {"tags": {"team": "web", **STACK_TAGS}},
    }


def test_every_setting_is_checked_by_its_type() -> None:
    kinds = _types.input_type_types(aws.ProviderArgs)
    assert len(kinds) > 30
    for name in kinds:
        for absurd in (DIGITS, "[" * 200 + "]" * 200, '{"\\ud800": NaN}', "null"):
            try:
                aws_settings.provider_settings({f"aws:{name}": absurd}, [f"aws:{name}"])
            except pulumi.RunError as error:
                assert re.match(rf"aws:{name}\b", str(error))
            else:
                assert _types.unwrap_type(kinds[name]) is str
