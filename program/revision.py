"""The revision of a set of parameters."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping


def revision_of(key: str, values: Mapping[str, str], versions: Mapping[str, int]) -> str:
    """An identifier of these parameters in these versions: an HMAC-SHA-256 of all of them.

    The parameter store's version number would not be enough: it restarts at 1 after a parameter was deleted, and other
    programs that write to the same path increase it. Without the key, no one can guess secrets from the identifier.
    """
    content = json.dumps({name: [versions[name], values[name]] for name in values}, sort_keys=True)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()[:32]


def listing(revision: str, versions: Mapping[str, int]) -> str:
    """The parameter `revision`, as boot.sh reads it."""
    return f"# {revision}\n" + "".join(f"{key} {version}\n" for key, version in sorted(versions.items()))
