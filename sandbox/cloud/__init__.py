"""The local AWS: moto in one process, made as strict as AWS where moto is more lenient (see `patches`).

Produces, while `python -m sandbox.cloud` runs: AWS's API on loopback for the operator's side, the same over
TLS under AWS's own host names for the machines, and EC2's metadata service.
"""

from __future__ import annotations

import json

from sandbox.errors import SandboxError
from sandbox.place import Place

ACCOUNT = "123456789012"
"""moto's one account."""


def admin_credentials(place: Place) -> dict[str, str]:
    """The administrator's access key as environment variables of the AWS SDKs.

    Made when the local AWS starts. Raises SandboxError when it never started.
    """
    path = place.state / "cloud" / "admin.json"
    if not path.exists():
        raise SandboxError("The local AWS is not running. Type: make up")
    return dict(json.loads(path.read_text()))
