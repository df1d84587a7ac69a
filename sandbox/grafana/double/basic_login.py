"""The `Authorization` header of basic authentication."""

from __future__ import annotations

import base64


def basic(user: str, password: str) -> str:
    """The header's value. UTF-8, like Go's SetBasicAuth (net/http); urllib3's own helper uses Latin-1."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
