"""What the resources of alerting share: whether people may edit their objects in Grafana."""

from __future__ import annotations

from sandbox.plugins.base import BOOLEAN, Input, Properties

ADDRESS = "/v1/provisioning"
DISABLE_PROVENANCE = Input(BOOLEAN, default=False)
DISABLE_PROVENANCE_FIXED = Input(BOOLEAN, default=False, replaces=True)
"""For objects whose provenance clients cannot change."""


def headers(inputs: Properties) -> dict[str, str]:
    """The header that lets people edit the object in Grafana."""
    return {"X-Disable-Provenance": "disabled"} if inputs.get("disableProvenance") else {}


def provenance_of(found: Properties) -> bool:
    """The input `disableProvenance` that matches an object of Grafana's."""
    return not found.get("provenance")
