"""Roles that jobs assume with GitHub's tokens: only tokens with the right claims are accepted."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from joserfc.jwk import RSAKey

from sandbox.cloud import issuer
from tests.sandbox.cloud.conftest import REGION, Cloud, allow, policy, refusal

SUBJECT = "repo:octo-org/monitoring:environment:prod"
DENIED = (403, "AccessDenied")
INVALID = (400, "InvalidIdentityToken")


def federated(provider: str, **equals: str) -> str:
    condition = {f"{issuer.HOST}:{claim}": value for claim, value in equals.items()}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": condition},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def provider(aws: Cloud) -> str:
    made = aws.client("iam").create_open_id_connect_provider(Url=issuer.URL, ClientIDList=[issuer.AUDIENCE])
    return str(made["OpenIDConnectProviderArn"])


@pytest.fixture(scope="module")
def role(aws: Cloud, provider: str) -> str:
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    trust = federated(provider, aud=issuer.AUDIENCE, sub=SUBJECT)
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, MaxSessionDuration=7200)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("ec2:DescribeInstances")))
    return str(made["Role"]["Arn"])


@pytest.fixture(scope="module")
def key(aws: Cloud) -> RSAKey:
    return issuer.key_of(aws.place)


def sts(aws: Cloud) -> Any:
    return boto3.client("sts", region_name=REGION, endpoint_url=aws.url, config=Config(signature_version=UNSIGNED))


def assume(aws: Cloud, role: str, token: str, **more: Any) -> dict[str, str]:
    named = {"RoleArn": role, "RoleSessionName": "job", "WebIdentityToken": token, **more}
    return dict(sts(aws).assume_role_with_web_identity(**named)["Credentials"])


def refused(aws: Cloud, role: str, token: str, **more: Any) -> tuple[int, str]:
    return refusal(assume, aws=aws, role=role, token=token, **more)


def test_the_right_token_gets_the_role(aws: Cloud, role: str, key: RSAKey) -> None:
    made = assume(aws, role, issuer.token(key, SUBJECT))
    ec2 = boto3.client(
        "ec2",
        region_name=REGION,
        endpoint_url=aws.url,
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    ec2.describe_instances()
    assert refusal(ec2.describe_volumes) == (403, "UnauthorizedOperation")


@pytest.mark.parametrize(
    "subject",
    [
        "repo:octo-org/other:environment:prod",
        "repo:someone/monitoring:environment:prod",
        "repo:octo-org/monitoring:environment:dev",
        "repo:octo-org/monitoring:ref:refs/heads/main",
        "repo:octo-org/monitoring:pull_request",
        "repo:forker/monitoring:pull_request",
        "repo:octo-org@123456/monitoring@456789:environment:prod",
        "repo:octo-org/monitoring:environment:prod2",
        "REPO:octo-org/monitoring:environment:prod",
    ],
)
def test_another_subject_is_refused(aws: Cloud, role: str, key: RSAKey, subject: str) -> None:
    assert refused(aws, role, issuer.token(key, subject)) == DENIED


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({"aud": "https://github.com/octo-org"}, INVALID),
        ({"aud": [issuer.AUDIENCE]}, INVALID),
        ({"aud": None}, INVALID),
        ({"iss": "https://token.example.com"}, INVALID),
        ({"iss": issuer.HOST}, INVALID),
        ({"exp": int(time.time()) - 1}, (400, "ExpiredTokenException")),
        ({"exp": None}, INVALID),
        ({"iat": None}, INVALID),
        ({"nbf": int(time.time()) + 86400}, INVALID),
        ({"sub": ""}, INVALID),
        ({"sub": None}, INVALID),
    ],
)
def test_any_other_wrong_claim_is_refused(
    aws: Cloud, role: str, key: RSAKey, claims: dict[str, Any], answer: tuple[int, str]
) -> None:
    assert refused(aws, role, issuer.token(key, SUBJECT, **claims)) == answer


def claims() -> dict[str, Any]:
    now = int(time.time())
    return {"iss": issuer.URL, "aud": issuer.AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300}


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_only_the_provider_s_own_key_is_accepted(aws: Cloud, role: str, key: RSAKey) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": str(key.kid)})
    assert refused(aws, role, issuer.token(stranger, SUBJECT)) == INVALID
    unknown = RSAKey.generate_key(2048, {"kid": "another"})
    assert refused(aws, role, issuer.token(unknown, SUBJECT)) == INVALID


def test_an_unsigned_token_is_refused(aws: Cloud, role: str) -> None:
    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."
    assert refused(aws, role, unsigned) == INVALID
    assert refused(aws, role, "not a token") == INVALID


def test_the_public_key_is_not_accepted_as_a_shared_secret(aws: Cloud, role: str, key: RSAKey) -> None:
    """The classic algorithm confusion: a signature that uses the public key as a shared secret."""
    head = f"{part({'alg': 'HS256', 'kid': key.kid})}.{part(claims())}"
    made = hmac.digest(key.as_pem(private=False), head.encode(), "sha256")
    forged = f"{head}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
    assert refused(aws, role, forged) == INVALID


def test_changed_claims_are_refused(aws: Cloud, role: str, key: RSAKey) -> None:
    head, _, signature = issuer.token(key, "repo:forker/monitoring:pull_request").split(".")
    assert refused(aws, role, f"{head}.{part(claims())}.{signature}") == INVALID


def test_a_role_that_does_not_trust_the_provider_cannot_be_assumed(aws: Cloud, key: RSAKey) -> None:
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    assert refused(aws, made["Role"]["Arn"], issuer.token(key, SUBJECT)) == DENIED
    assert refused(aws, "arn:aws:iam::123456789012:role/nobody", issuer.token(key, SUBJECT)) == DENIED


def test_a_session_cannot_last_longer_than_its_role_allows(aws: Cloud, role: str, key: RSAKey) -> None:
    assume(aws, role, issuer.token(key, SUBJECT), DurationSeconds=7200)
    assert refused(aws, role, issuer.token(key, SUBJECT), DurationSeconds=7201) == (400, "ValidationError")


def test_other_operations_must_be_signed(aws: Cloud, role: str) -> None:
    assert refusal(sts(aws).assume_role, RoleArn=role, RoleSessionName="job") == (403, "MissingAuthenticationToken")
    assert refusal(sts(aws).get_caller_identity) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize("equals", [{"aud": issuer.AUDIENCE}, {"aud": issuer.AUDIENCE, "sub": "*"}, {"sub": "repo:*"}])
def test_a_role_cannot_trust_all_of_github(aws: Cloud, provider: str, equals: dict[str, str]) -> None:
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    everyone = federated(provider, **equals)
    wrong = (400, "MalformedPolicyDocument")
    assert refusal(iam.create_role, RoleName=name, AssumeRolePolicyDocument=everyone) == wrong
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=federated(provider, sub=SUBJECT))
    assert refusal(iam.update_assume_role_policy, RoleName=name, PolicyDocument=everyone) == wrong


@pytest.mark.parametrize("url", ["http://token.example.com", "https://token.example.com:8443"])
def test_an_identity_provider_s_url_is_https_without_a_port(aws: Cloud, url: str) -> None:
    create = aws.client("iam").create_open_id_connect_provider
    assert refusal(create, Url=url, ClientIDList=["a"]) == (400, "ValidationError")


def test_tokens_of_an_unreachable_provider_are_refused(aws: Cloud, key: RSAKey) -> None:
    url = "https://token.example.com"
    made = aws.client("iam").create_open_id_connect_provider(Url=url, ClientIDList=[issuer.AUDIENCE])
    trust = federated(made["OpenIDConnectProviderArn"], sub=SUBJECT).replace(issuer.HOST, "token.example.com")
    role = aws.client("iam").create_role(RoleName=f"role-{uuid.uuid4()}", AssumeRolePolicyDocument=trust)["Role"]
    assert refused(aws, role["Arn"], issuer.token(key, SUBJECT, iss=url)) == (400, "IDPCommunicationError")
