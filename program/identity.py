"""The identity for requests outside Pulumi: the gate and the list of backups use the AWS provider's.

It follows `aws:profile` and the keys, files, roles and endpoints in the stack's configuration; without them, boto3 uses
the environment, as the provider does. Needs only boto3.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3


@dataclass(frozen=True)
class Identity:
    """How to reach AWS. endpoints: of services that do not use AWS's default, by boto3's names."""

    session: boto3.Session
    region: str
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """boto3's client for a service in the stack's region."""
        make: Any = self.session.client
        return make(service, region_name=self.region, endpoint_url=self.endpoints.get(service))


def identity(given: Mapping[str, Any], region: str) -> Identity:
    """The provider's identity. given: the stack's settings `aws:…` by name, decoded.

    Roles are assumed one after another, as the provider does. Raises botocore's errors when AWS refuses, and OSError
    for a token file that cannot be read.
    """
    # botocore accepts one file of each kind; the provider merges several, of which the last wins.
    for name, variable in (
        ("sharedConfigFiles", "AWS_CONFIG_FILE"),
        ("sharedCredentialsFiles", "AWS_SHARED_CREDENTIALS_FILE"),
    ):
        if files := given.get(name):
            os.environ[variable] = str(Path(files[-1]).expanduser())
    endpoints = {service: url for each in given.get("endpoints") or () for service, url in each.items()}
    session = boto3.Session(
        profile_name=given.get("profile"),
        aws_access_key_id=given.get("accessKey"),
        aws_secret_access_key=given.get("secretKey"),
        aws_session_token=given.get("token"),
    )
    sts_region = given.get("stsRegion") or region
    if role := given.get("assumeRoleWithWebIdentity"):
        token = role.get("webIdentityToken") or Path(role["webIdentityTokenFile"]).expanduser().read_text().strip()
        sts = Identity(session, sts_region, endpoints).client("sts")
        answer = sts.assume_role_with_web_identity(**_request(role), WebIdentityToken=token)
        session = _session(answer["Credentials"])
    for role in given.get("assumeRoles") or ():
        sts = Identity(session, sts_region, endpoints).client("sts")
        session = _session(sts.assume_role(**_request(role))["Credentials"])
    return Identity(session, region, endpoints)


def _request(role: Mapping[str, Any]) -> dict[str, Any]:
    """What decides whether the role can be assumed, and session policies, which only remove permissions."""
    wanted = {
        "RoleArn": role["roleArn"],
        "RoleSessionName": role.get("sessionName") or "monitoring",
        "ExternalId": role.get("externalId"),
        "SourceIdentity": role.get("sourceIdentity"),
        "Policy": role.get("policy"),
        "PolicyArns": [{"arn": arn} for arn in role.get("policyArns") or ()],
        "Tags": [{"Key": key, "Value": value} for key, value in (role.get("tags") or {}).items()],
        "TransitiveTagKeys": role.get("transitiveTagKeys"),
    }
    return {name: value for name, value in wanted.items() if value}


def _session(credentials: Mapping[str, str]) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
