"""Uids, and slugs for URLs."""

from __future__ import annotations

import re
import secrets
import string
import unicodedata

from .errors import ApiError

UID_LENGTH = 40
_UID = re.compile(r"^[a-zA-Z0-9\-_]*$")
_ALPHABET = string.ascii_lowercase + string.digits


def new_uid() -> str:
    """A random uid of the same length as Grafana's (14 characters)."""
    return secrets.choice(string.ascii_lowercase) + "".join(secrets.choice(_ALPHABET) for _ in range(13))


def check_uid(uid: str) -> None:
    """Raises 400 for a uid that Grafana refuses."""
    if len(uid) > UID_LENGTH:
        raise ApiError(400, f"uid too long, max {UID_LENGTH} characters")
    if not _UID.match(uid):
        raise ApiError(400, "uid contains illegal characters")


def slug(title: str) -> str:
    """The title as part of a URL: `Linux hosts (α)` is `linux-hosts-a`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "-"
