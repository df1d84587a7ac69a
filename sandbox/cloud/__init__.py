"""The local AWS: moto in one process, made as strict as AWS where moto is more lenient (see `patches`).

While it runs, `python -m sandbox.cloud` serves AWS's API on loopback for the operator, the same API over TLS under
AWS's own host names for the machines, and EC2's metadata service.
"""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.place import Place

ACCOUNT = "123456789012"
"""The account of the stacks."""

ANOTHER_ACCOUNT = "210987654321"
"""A second account, whose roles a stack may assume. It has EC2, CloudWatch's metrics and IAM only."""


def admin_file(place: Place, account: str = ACCOUNT) -> Path:
    """The file with the access key of an account's administrator."""
    return place.state / "cloud" / ("admin.json" if account == ACCOUNT else f"admin-{account}.json")


def admin_credentials(place: Place, account: str = ACCOUNT) -> dict[str, str]:
    """The access key of an account's administrator as environment variables of the AWS SDKs.

    The local AWS writes it when it starts. Raises SandboxError if it never started.
    """
    path = admin_file(place, account)
    if not path.exists():
        raise SandboxError("The local AWS is not running. Run: make up")
    return dict(json.loads(path.read_text()))
