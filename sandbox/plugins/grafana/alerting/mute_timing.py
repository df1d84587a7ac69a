"""Mute timings: periods in which the policies that name them send nothing.

As in terraform-provider-grafana, internal/resources/grafana/resource_alerting_mute_timing.go.
"""

from __future__ import annotations

from typing import Any

from sandbox.plugins.base import TEXT, Input, ListOf, Properties, fields
from sandbox.plugins.grafana.alerting.common import ADDRESS, DISABLE_PROVENANCE_FIXED, headers, provenance_of
from sandbox.plugins.grafana.client import ORGANISATION, segment
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, key_of, make_id
from sandbox.plugins.grafana.shapes import Mapped, Shape

_TIMINGS = f"{ADDRESS}/mute-timings"
_TIME = Shape({"start": Mapped("start_time", required=True), "end": Mapped("end_time", required=True)})
_TIMING = Shape(
    {
        "intervals": Mapped(
            "time_intervals",
            shape=Shape(
                {
                    "times": Mapped("times", shape=_TIME, many=True),
                    "weekdays": Mapped("weekdays", ListOf(TEXT)),
                    "location": Mapped("location"),
                }
            ),
            many=True,
        )
    }
)


class MuteTiming(GrafanaResource):
    """A mute timing. Before it is deleted, it is removed from the policies that name it."""

    token = "grafana:alerting/muteTiming:MuteTiming"
    title = "mute timing"
    inputs = fields(
        name=Input(TEXT, auto_name=True, replaces=True),
        disableProvenance=DISABLE_PROVENANCE_FIXED,
        orgId=ORG_ID,
        **_TIMING.inputs(),
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Create it. Grafana refuses a name that exists."""
        body = {"name": inputs["name"], **_TIMING.to_api(inputs)}
        self.client.call("POST", _TIMINGS, body, **headers(inputs))
        return make_id(inputs["name"]), self._found(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read it."""
        name = key_of(id_)
        found = self._found(name, state)
        return {"id": make_id(name), **found} if found else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Change its intervals."""
        name = key_of(id_)
        self.client.call("PUT", f"{_TIMINGS}/{segment(name)}", {"name": name, **_TIMING.to_api(new)}, **headers(new))
        return self._found(name, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        """Remove it, first from the policies."""
        name = key_of(id_)
        tree = self.client.get(f"{ADDRESS}/policies")
        if tree and _without(tree, name):
            self.client.call("PUT", f"{ADDRESS}/policies", tree)
        self.client.delete(f"{_TIMINGS}/{segment(name)}")

    def _found(self, name: str, like: Properties) -> Properties | None:
        found = self.client.get(f"{_TIMINGS}/{segment(name)}")
        if found is None:
            return None
        read = _TIMING.from_api(found, like)
        return {**read, "name": name, "disableProvenance": provenance_of(found), "orgId": ORGANISATION}


def _without(node: dict[str, Any], name: str) -> bool:
    """Remove the name from a tree of policies. Returns whether it was in there."""
    names = node.get("mute_time_intervals") or []
    node["mute_time_intervals"] = [each for each in names if each != name]
    return any([name in names, *(_without(child, name) for child in node.get("routes") or [])])
