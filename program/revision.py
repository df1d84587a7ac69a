"""What a set of parameters is recognized by."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping


def revision_of(key: str, values: Mapping[str, str], versions: Mapping[str, int]) -> str:
    """What these parameters, in these versions, are recognized by: a code (HMAC-SHA-256) of all of them.

    A number alone would not do: in the parameter store it begins again at 1 when a parameter was deleted, and another
    program that writes to the same path counts on. Nobody without the key can try out what the secrets are.
    """
    content = json.dumps({name: [versions[name], values[name]] for name in values}, sort_keys=True)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()[:32]


def listing(revision: str, versions: Mapping[str, int]) -> str:
    """The parameter `revision`, as boot.sh reads it."""
    return f"# {revision}\n" + "".join(f"{key} {version}\n" for key, version in sorted(versions.items()))
