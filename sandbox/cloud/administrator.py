"""The only user that an account of the local AWS starts with: its administrator, who may do everything in it."""

from __future__ import annotations

import json
from pathlib import Path

from moto.iam.models import iam_backends

from sandbox.cloud import files

NAME = "administrator"
ALLOW_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def create(path: Path, account: str) -> None:
    """Create the user and write its access key to `path`, readable by the file's owner only.

    The file contains the SDKs' two environment variables as JSON. moto keeps nothing across a restart, so every
    start creates a new key.
    """
    iam = iam_backends[account]["aws"]
    iam.create_user("aws", NAME)
    iam.put_user_policy(NAME, "everything", json.dumps(ALLOW_EVERYTHING))
    key = iam.create_access_key(NAME)
    text = json.dumps(
        {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}, indent=1
    )
    files.write(path, text + "\n")
