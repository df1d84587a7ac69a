"""What all of the provider's resources share: ids with the organisation, and the one organisation."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.plugins.base import TEXT, UNKNOWN, Failure, Input, Properties, Resource
from sandbox.plugins.grafana.client import ORGANISATION, Grafana

ORG_ID = Input(TEXT, computed=True, replaces=True)


class GrafanaResource(Resource[Grafana]):
    """Ids look like `1:uid`, as the real provider's."""

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """The local environment's Grafana has one organisation."""
        if inputs.get("orgId", ORGANISATION) not in (ORGANISATION, "0", UNKNOWN):
            yield Failure("orgId", f"This Grafana has one organisation, {ORGANISATION}")


def make_id(key: str) -> str:
    """The id of what Grafana knows as `key`."""
    return f"{ORGANISATION}:{key}"


def key_of(id_: str) -> str:
    """Grafana's own key in an id; ids without organisation are taken as they are (for imports)."""
    organisation, colon, key = id_.partition(":")
    return key if colon and organisation.isdecimal() else id_
