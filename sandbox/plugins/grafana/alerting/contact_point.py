"""Contact points: a name with one or more ways to be notified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.plugins.base import (
    BOOLEAN,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    PluginError,
    Properties,
    fields,
)
from sandbox.plugins.grafana.alerting.common import (
    ADDRESS,
    DISABLE_PROVENANCE_FIXED,
    headers,
    provenance_of,
)
from sandbox.plugins.grafana.alerting.notifiers import NOTIFIERS, Notifier
from sandbox.plugins.grafana.client import ORGANISATION, segment
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, key_of, make_id

_POINTS = f"{ADDRESS}/contact-points"


def _input(notifier: Notifier) -> Input:
    common = {
        "uid": Input(TEXT, computed=True),
        "disableResolveMessage": Input(BOOLEAN, default=False),
        "settings": Input(MapOf(TEXT)),
    }
    # Any kind may contain a token, or a URL that works as one, so the real provider marks them all as secret.
    return Input(ListOf(ObjectOf({**notifier.settings.inputs(), **common}), ordered=False), secret=True)


class ContactPoint(GrafanaResource):
    """What Grafana lists as several integrations under one name."""

    token = "grafana:alerting/contactPoint:ContactPoint"
    title = "contact point"
    inputs = fields(
        name=Input(TEXT, auto_name=True, replaces=True),
        disableProvenance=DISABLE_PROVENANCE_FIXED,
        orgId=ORG_ID,
        **{name: _input(notifier) for name, notifier in NOTIFIERS.items()},
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Also requires at least one way to be notified."""
        yield from super().check(inputs)
        if not any(inputs.get(name) for name in NOTIFIERS):
            yield Failure("emails", f"A contact point needs at least one of {', '.join(sorted(NOTIFIERS))}")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Add each integration."""
        name = inputs["name"]
        if self._points(name):
            raise PluginError(f"contact point {name!r} exists already")
        self._put(inputs, [])
        return make_id(name), self._found(self._points(name), inputs)

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the integrations; secrets are as last known."""
        name = key_of(id_)
        points = self._points(name)
        return {"id": make_id(name), **self._found(points, state)} if points else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Change, add and remove integrations."""
        name = key_of(id_)
        self._put(new, self._points(name))
        return self._found(self._points(name), new)

    def delete(self, id_: str, state: Properties) -> None:
        """Remove all integrations of that name. Grafana refuses while a policy uses it."""
        for point in self._points(key_of(id_)):
            self.client.delete(f"{_POINTS}/{segment(point['uid'])}")

    def _points(self, name: str) -> list[Properties]:
        return list(self.client.get(f"{_POINTS}?name={segment(name)}") or [])

    def _put(self, inputs: Properties, existing: list[Properties]) -> None:
        """Make Grafana's list match the inputs. An integration keeps its uid if one of its kind existed."""
        left = list(existing)
        for field, notifier in NOTIFIERS.items():
            for item in inputs.get(field) or []:
                body = {
                    "name": inputs["name"],
                    "type": notifier.type,
                    "settings": {**(item.get("settings") or {}), **notifier.settings.to_api(item)},
                    "disableResolveMessage": bool(item.get("disableResolveMessage")),
                }
                known = next((point for point in left if point["type"] == notifier.type), None)
                if known is None:
                    self.client.call("POST", _POINTS, body, **headers(inputs))
                else:
                    left.remove(known)
                    self.client.call("PUT", f"{_POINTS}/{segment(known['uid'])}", body, **headers(inputs))
        for point in left:
            self.client.delete(f"{_POINTS}/{segment(point['uid'])}")

    @staticmethod
    def _found(points: list[Properties], like: Properties) -> Properties:
        found: Properties = {
            "name": points[0]["name"] if points else like.get("name"),
            "orgId": ORGANISATION,
            "disableProvenance": all(provenance_of(point) for point in points),
        }
        for field, notifier in NOTIFIERS.items():
            of_kind = [point for point in points if point["type"] == notifier.type]
            before: list[Any] = like.get(field) or []
            if of_kind or before:
                found[field] = [
                    _item(notifier, point, before[number] if number < len(before) else {})
                    for number, point in enumerate(of_kind)
                ]
        return found


def _item(notifier: Notifier, point: Properties, like: Properties) -> Properties:
    item = notifier.settings.from_api(point["settings"], like)
    item["disableResolveMessage"] = bool(point.get("disableResolveMessage"))
    if "settings" in like:
        item["settings"] = {key: point["settings"].get(key) for key in like["settings"]}
    if "uid" in like:
        item["uid"] = point["uid"]
    return item
