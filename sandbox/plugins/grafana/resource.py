"""What all of the provider's resources share: ids with the organisation, and the check that there is only one."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.plugins.base import TEXT, UNKNOWN, Failure, Input, Properties, Resource
from sandbox.plugins.grafana.client import ORGANISATION, Grafana

ORG_ID = Input(TEXT, computed=True, replaces=True)


class GrafanaResource(Resource[Grafana]):
    """A resource with an id like `1:uid`, as in the real provider."""

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Refuses other organisations; the local environment's Grafana has one."""
        if inputs.get("orgId", ORGANISATION) not in (ORGANISATION, "0", UNKNOWN):
            yield Failure("orgId", f"This Grafana has one organisation, {ORGANISATION}")


def make_id(key: str) -> str:
    """The id of the object that Grafana knows as `key`."""
    return f"{ORGANISATION}:{key}"


def key_of(id_: str) -> str:
    """Grafana's own key in an id. An id without organisation is returned as it is (for imports)."""
    organisation, colon, key = id_.partition(":")
    return key if colon and organisation.isdecimal() else id_
