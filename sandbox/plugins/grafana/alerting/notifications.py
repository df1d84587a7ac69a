"""Notification policies."""

from __future__ import annotations

from sandbox.plugins.base import BOOLEAN, TEXT, ListOf, Properties, fields
from sandbox.plugins.grafana.alerting.common import (
    ADDRESS,
    DISABLE_PROVENANCE_FIXED,
    headers,
    provenance_of,
)
from sandbox.plugins.grafana.client import ORGANISATION
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, make_id
from sandbox.plugins.grafana.shapes import DURATION, Mapped, Shape

_TEXTS = ListOf(TEXT)
_MATCHER = Shape(
    {
        "label": Mapped("label", required=True),
        "match": Mapped("match", required=True),
        "value": Mapped("value", required=True),
    }
)
_TIMINGS = {
    "groupWait": Mapped("group_wait", DURATION),
    "groupInterval": Mapped("group_interval", DURATION),
    "repeatInterval": Mapped("repeat_interval", DURATION),
}
_DEEPEST = 4
"""Policies can be nested four levels deep, as in the real provider."""


def _policy(depth: int) -> Shape:
    nested = {"policies": Mapped("routes", shape=_policy(depth - 1), many=True)} if depth else {}
    return Shape(
        {
            "contactPoint": Mapped("receiver"),
            "groupBies": Mapped("group_by", _TEXTS),
            "matchers": Mapped("object_matchers", shape=_MATCHER, many=True),
            "muteTimings": Mapped("mute_time_intervals", _TEXTS),
            "activeTimings": Mapped("active_time_intervals", _TEXTS),
            "continue": Mapped("continue", BOOLEAN, default=False),
            **_TIMINGS,
            **nested,
        }
    )


_TREE = Shape(
    {
        "contactPoint": Mapped("receiver", required=True),
        "groupBies": Mapped("group_by", _TEXTS, required=True),
        "policies": Mapped("routes", shape=_policy(_DEEPEST - 1), many=True),
        **_TIMINGS,
    }
)


def _matchers_as_lists(node: Properties) -> Properties:
    """Turn matchers into `[label, operator, value]`, as the API wants them."""
    lists = [[item["label"], item["match"], item["value"]] for item in node.pop("object_matchers", [])]
    routes = [_matchers_as_lists(child) for child in node.pop("routes", [])]
    return {**node, **({"object_matchers": lists} if lists else {}), **({"routes": routes} if routes else {})}


def _matchers_as_objects(node: Properties) -> Properties:
    objects = [
        {"label": label, "match": match, "value": value} for label, match, value in node.get("object_matchers") or []
    ]
    routes = [_matchers_as_objects(child) for child in node.get("routes") or []]
    return {**node, "object_matchers": objects, "routes": routes}


class NotificationPolicy(GrafanaResource):
    """The whole tree of policies. There is only one, and creating it replaces Grafana's."""

    token = "grafana:alerting/notificationPolicy:NotificationPolicy"
    title = "notification policy"
    inputs = fields(**_TREE.inputs(), disableProvenance=DISABLE_PROVENANCE_FIXED, orgId=ORG_ID)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Replace the tree."""
        return make_id("policy"), self._put(inputs)

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the tree."""
        found = self.client.get(f"{ADDRESS}/policies")
        if found is None:
            return None
        policy = _TREE.from_api(_matchers_as_objects(found), state)
        policy |= {"policies": None} if "policies" in state and not policy.get("policies") else {}
        return {**policy, "disableProvenance": provenance_of(found), "orgId": ORGANISATION}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Replace the tree."""
        return self._put(new)

    def delete(self, id_: str, state: Properties) -> None:
        """Restore Grafana's default tree."""
        self.client.delete(f"{ADDRESS}/policies")

    def _put(self, inputs: Properties) -> Properties:
        body = _matchers_as_lists(_TREE.to_api(inputs))
        self.client.call("PUT", f"{ADDRESS}/policies", body, **headers(inputs))
        return self.read("", inputs) or {}
