"""What alerting's resources share: whether their objects may be edited by hand."""

from __future__ import annotations

from sandbox.plugins.base import BOOLEAN, Input, Properties

ADDRESS = "/v1/provisioning"
DISABLE_PROVENANCE = Input(BOOLEAN, default=False)
DISABLE_PROVENANCE_FOR_EVER = Input(BOOLEAN, default=False, replaces=True)
"""For objects whose provenance Grafana does not let clients change."""


def headers(inputs: Properties) -> dict[str, str]:
    """The header that lets people edit the object in Grafana."""
    return {"X-Disable-Provenance": "disabled"} if inputs.get("disableProvenance") else {}


def provenance_of(found: Properties) -> bool:
    """The input `disableProvenance` as found."""
    return not found.get("provenance")
