"""A stack's configuration, as Pulumi passes it to the settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings import SettingsError, load

REQUIRED = {
    "aws:region": "eu-central-1",
    "monitoring:operatorCidrs": '["203.0.113.0/24"]',
    "monitoring:agentCidrs": '["198.51.100.0/24"]',
}
"""The settings that have no default."""

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKCkRB9XvVnLqxUS2s1cQWbBDBVb8JwVKPXyyNRrd9gd"
HOST = {"name": "web-1", "address": "198.51.100.7", "user": "admin", "hostKey": HOST_KEY}
HOSTS_SECRET = ("monitoring:hosts",)
"""Which keys are encrypted, if `hosts` is."""

DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
"""Of Let's Encrypt, for `publicCertificate`."""


def raw(**settings: Any) -> dict[str, str]:
    """A valid configuration with some settings changed: every value is text, as Pulumi passes it."""
    changed = {
        f"monitoring:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()
    }
    return REQUIRED | changed


def mistakes(configuration: dict[str, str], secret_keys: tuple[str, ...] = ()) -> list[str]:
    """The mistakes that are reported for a configuration; at least one."""
    with pytest.raises(SettingsError) as caught:
        load(configuration, secret_keys)
    return [str(mistake) for mistake in caught.value.mistakes]
