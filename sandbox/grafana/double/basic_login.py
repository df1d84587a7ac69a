"""The header of a login."""

from __future__ import annotations

import base64


def basic(user: str, password: str) -> str:
    """In UTF-8, as Go's SetBasicAuth (net/http); urllib3's own helper takes Latin-1."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
