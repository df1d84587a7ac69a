"""The credentials that Pulumi uses in the local environment: a workflow's, for the deploy role that the bootstrap made.

So everything here runs with exactly the permissions that a workflow has on AWS.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox import cloud, toolchain
from sandbox.cloud import issuer
from sandbox.errors import SandboxError
from sandbox.place import Place

REPOSITORY = "octo-org@1/monitoring@1"
REGION = "eu-central-1"
ENVIRONMENT = "sandbox"
SUBJECT = f"repo:{REPOSITORY}:environment:{ENVIRONMENT}"
ROLE = f"arn:aws:iam::{cloud.ACCOUNT}:role/monitoring-deploy"
STACK = "bootstrap"
ZONE = "example.com"
"""The account's public zone, in which stacks may have their `domain`."""

SECONDS = 7200
RENEWED_BEFORE = timedelta(seconds=3600)
"""The remaining lifetime below which credentials are renewed: no command here takes longer."""

SOURCES = ("bootstrap", "program", "settings")
"""Folders of the checkout: after a change in one of them, the bootstrap runs again."""


def ensure(place: Place, env: dict[str, str]) -> None:
    """Run the bootstrap as the account's administrator, unless this checkout's bootstrap has run in this local AWS.

    env: the administrator's environment, in which `pulumi` works. Raises SandboxError with the CLI's output when it
    fails.
    """
    done, wanted = place.state / "cloud" / "bootstrap.json", _version(place)
    known = json.loads(done.read_text()) if done.exists() else {}
    if known == wanted:
        return
    folder = place.state / "bootstrap"
    if known.get("account") != wanted["account"]:
        # The state and the session belong to an account that no longer exists.
        shutil.rmtree(folder, ignore_errors=True)
        _session(place).unlink(missing_ok=True)
    (folder / "backend").mkdir(parents=True, exist_ok=True)
    env = env | {"PULUMI_BACKEND_URL": f"file://{folder / 'backend'}"}
    project = yaml.safe_load((place.checkout / "bootstrap" / "Pulumi.yaml").read_text())
    project["main"] = str(place.checkout / "bootstrap")
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    config = {
        "aws:region": REGION,
        "monitoring-bootstrap:repository": REPOSITORY,
        "monitoring-bootstrap:environments": [ENVIRONMENT],
        "monitoring-bootstrap:hostedZones": [zone(place)],
    }
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    for command in (("stack", "select", "--create", STACK), ("up", "--yes", "--skip-preview", "--stack", STACK)):
        _pulumi(folder, env, *command)
    done.write_text(json.dumps(wanted))


def zone(place: Place) -> str:
    """The ID of ZONE; the account's administrator creates it if it does not exist."""
    keys = cloud.admin_credentials(place)
    administrator = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    route53 = administrator.client("route53", endpoint_url=place.aws_url)
    named = [each["Id"] for each in route53.list_hosted_zones()["HostedZones"] if each["Name"] == f"{ZONE}."]
    id_ = named[0] if named else route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"]
    return str(id_).rpartition("/")[2]


def credentials(place: Place) -> dict[str, str]:
    """The job's credentials as the environment variables of the AWS SDKs, renewed before they expire.

    Raises SandboxError when the local AWS does not have the role (yet).
    """
    file = _session(place)
    known = json.loads(file.read_text()) if file.exists() else {}
    if known and datetime.fromisoformat(known["until"]) - datetime.now(UTC) > RENEWED_BEFORE:
        return dict(known["credentials"])
    made = _assume_role(place)
    found = {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }
    new = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump({"until": made["Expiration"].isoformat(), "credentials": found}, handle)
    new.replace(file)
    return found


def _session(place: Place) -> Path:
    return place.state / "cloud" / "operator.json"


def _assume_role(place: Place) -> Any:
    anonymous = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts = boto3.client("sts", region_name=REGION, endpoint_url=place.aws_url, config=anonymous)
    try:
        token = issuer.token(issuer.key_of(place), SUBJECT)
        return sts.assume_role_with_web_identity(
            RoleArn=ROLE, RoleSessionName="operator", WebIdentityToken=token, DurationSeconds=SECONDS
        )["Credentials"]
    except (BotoCoreError, ClientError, OSError):
        raise SandboxError("The local AWS has no role for the workflows. Run: make up") from None


def _version(place: Place) -> dict[str, str]:
    """Identifies this checkout's bootstrap, and the local AWS it ran in, which loses everything when it ends."""
    files = sorted(path for folder in SOURCES for path in (place.checkout / folder).glob("*.py"))
    content = b"".join(path.read_bytes() for path in [*files, place.checkout / "bootstrap" / "Pulumi.yaml"])
    admin = cloud.admin_credentials(place)["AWS_ACCESS_KEY_ID"]
    return {"bootstrap": hashlib.sha256(content).hexdigest(), "account": admin}


def _pulumi(folder: Path, env: dict[str, str], *arguments: str) -> None:
    command = ["pulumi", "--non-interactive", *arguments]
    program = toolchain.binaries() / "pulumi"
    done = subprocess.run(command, executable=program, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SandboxError(f"The bootstrap failed (`pulumi {arguments[0]}`):\n{(done.stdout + done.stderr).strip()}")
