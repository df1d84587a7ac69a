"""The one user that an account of the local AWS starts with: its administrator, who may do everything in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from moto.iam.models import iam_backends

NAME = "administrator"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def create(path: Path, account: str) -> None:
    """Create the user and write its access key to `path`, readable by its owner alone.

    The file holds the SDKs' two environment variables as JSON. moto keeps nothing across a restart, so every
    start creates a new key.
    """
    iam = iam_backends[account]["aws"]
    iam.create_user("aws", NAME)
    iam.put_user_policy(NAME, "everything", json.dumps(EVERYTHING))
    key = iam.create_access_key(NAME)
    text = json.dumps(
        {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}, indent=1
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
