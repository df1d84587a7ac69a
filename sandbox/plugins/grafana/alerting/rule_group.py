"""Rule groups: alert rules that are evaluated together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    PluginError,
    Properties,
    fields,
)
from sandbox.plugins.grafana.alerting.common import ADDRESS, DISABLE_PROVENANCE, headers, provenance_of
from sandbox.plugins.grafana.client import ORGANISATION, segment
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, key_of, make_id
from sandbox.plugins.grafana.shapes import DURATION, MODEL, Mapped, Shape

RETRY_SECONDS = 120.0
"""For two minutes, the real provider retries a PUT of a group that Grafana refuses, whatever the reason, before it
reports it (terraform-provider-grafana, putAlertRuleGroup in
internal/resources/grafana/resource_alerting_rule_group.go)."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two attempts: the first pause, doubled each time, and its limit (helper/retry/state.go in
terraform-plugin-sdk)."""

_TEXTS = ListOf(TEXT)
_RANGE = Shape({"from": Mapped("from", INTEGER, required=True), "to": Mapped("to", INTEGER, required=True)})
_DATA = Shape(
    {
        "refId": Mapped("refId", required=True),
        "datasourceUid": Mapped("datasourceUid", required=True),
        "queryType": Mapped("queryType", default=""),
        "model": Mapped("model", MODEL, required=True),
        "relativeTimeRange": Mapped("relativeTimeRange", shape=_RANGE, required=True),
    }
)
_SETTINGS = Shape(
    {
        "contactPoint": Mapped("receiver"),
        "groupBies": Mapped("group_by", _TEXTS),
        "muteTimings": Mapped("mute_time_intervals", _TEXTS),
        "activeTimings": Mapped("active_time_intervals", _TEXTS),
        "groupWait": Mapped("group_wait", DURATION),
        "groupInterval": Mapped("group_interval", DURATION),
        "repeatInterval": Mapped("repeat_interval", DURATION),
    }
)
_RECORD = Shape(
    {
        "metric": Mapped("metric", required=True),
        "from": Mapped("from", required=True),
        "targetDatasourceUid": Mapped("target_datasource_uid"),
    }
)
_RULE = Shape(
    {
        "uid": Mapped("uid"),
        "name": Mapped("title", required=True),
        "condition": Mapped("condition"),
        "datas": Mapped("data", shape=_DATA, many=True, required=True),
        "for": Mapped("for", DURATION, default="0"),
        "keepFiringFor": Mapped("keep_firing_for", DURATION, default="0"),
        "noDataState": Mapped("noDataState", default="NoData"),
        "execErrState": Mapped("execErrState", default="Alerting"),
        "labels": Mapped("labels", MapOf(TEXT)),
        "annotations": Mapped("annotations", MapOf(TEXT)),
        "isPaused": Mapped("isPaused", BOOLEAN, default=False),
        "missingSeriesEvalsToResolve": Mapped("missing_series_evals_to_resolve", INTEGER),
        "notificationSettings": Mapped("notification_settings", shape=_SETTINGS),
        "record": Mapped("record", shape=_RECORD),
    }
)


class RuleGroup(GrafanaResource):
    """A group in a folder. Rules are matched by name, so they keep their uids when the group changes in place."""

    token = "grafana:alerting/ruleGroup:RuleGroup"
    title = "rule group"
    inputs = fields(
        name=Input(TEXT, auto_name=True, replaces=True),
        folderUid=Input(TEXT, required=True, replaces=True),
        intervalSeconds=Input(INTEGER, required=True),
        rules=Input(ListOf(_RULE.kind()), required=True),
        disableProvenance=DISABLE_PROVENANCE,
        orgId=ORG_ID,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Also requires rules. They may share a name (terraform-provider-grafana#2323), but not a uid."""
        yield from super().check(inputs)
        rules = inputs.get("rules")
        if not isinstance(rules, list):
            return
        if not rules:
            yield Failure("rules", "A rule group needs at least one rule")
        uids = [rule.get("uid") for rule in rules if isinstance(rule, dict) and isinstance(rule.get("uid"), str)]
        for uid in sorted({uid for uid in uids if uid and uids.count(uid) > 1}):
            yield Failure("rules", f"rule with UID {uid!r} is defined more than once")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Add the group; it must not exist."""
        if self._found(inputs["folderUid"], inputs["name"]):
            raise PluginError(f"rule group with name {inputs['name']!r} already exists")
        self._put(inputs, ())
        id_ = make_id(f"{inputs['folderUid']}:{inputs['name']}")
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the group."""
        folder, _, name = key_of(id_).partition(":")
        found = self._found(folder, name)
        if not found:
            return None
        before: list[Any] = state.get("rules") or []
        known = {rule.get("name"): rule for rule in before}
        return {
            "name": found["title"],
            "folderUid": found["folderUid"],
            "intervalSeconds": found["interval"],
            "rules": [_inputs_of(rule, known.get(rule["title"], {})) for rule in found["rules"]],
            "disableProvenance": all(provenance_of(rule) for rule in found["rules"]),
            "orgId": ORGANISATION,
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Replace the group's rules."""
        found = self._found(new["folderUid"], new["name"]) or {"rules": []}
        self._put(new, found["rules"])
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        """Remove the group's rules, and so the group. As in the real provider, it is an error if it does not exist
        (deleteAlertRuleGroup in its resource_alerting_rule_group.go reads the group first)."""
        folder, _, name = key_of(id_).partition(":")
        for rule in self.client.call("GET", _path(folder, name))["rules"]:
            self.client.delete(f"{ADDRESS}/alert-rules/{segment(rule['uid'])}")

    def _found(self, folder: str, name: str) -> Properties | None:
        found: Properties | None = self.client.get(_path(folder, name))
        return found if found and found.get("rules") else None

    def _put(self, inputs: Properties, before: Sequence[Properties]) -> None:
        uids: dict[str, list[str]] = {}
        for rule in before:
            uids.setdefault(rule["title"], []).append(rule["uid"])
        rules = []
        for rule in inputs["rules"]:
            body = _RULE.to_api(rule)
            body |= {key: "0s" for key in ("for", "keep_firing_for") if body.get(key) == "0"}
            kept = uids.get(rule["name"])
            body |= {"uid": rule.get("uid") or (kept.pop(0) if kept else ""), "orgID": int(ORGANISATION)}
            rules.append({**body, "folderUID": inputs["folderUid"], "ruleGroup": inputs["name"]})
        group = {
            "title": inputs["name"],
            "folderUid": inputs["folderUid"],
            "interval": inputs["intervalSeconds"],
            "rules": rules,
        }
        until, pause = time.monotonic() + RETRY_SECONDS, FIRST_PAUSE
        while True:
            try:
                self.client.call("PUT", _path(inputs["folderUid"], inputs["name"]), group, **headers(inputs))
            except PluginError as error:
                if time.monotonic() + pause > until:
                    raise
                self.status(f"trying again: {error}")
                self.pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return


def _path(folder: str, name: str) -> str:
    return f"{ADDRESS}/folder/{segment(folder)}/rule-groups/{segment(name)}"


def _inputs_of(rule: Properties, before: Properties) -> Properties:
    """Grafana's rule as the program would write it. before: the rule as the program last wrote it."""
    inputs = _RULE.from_api(rule, before)
    # Grafana chose the uid and the program does not give it, so it is no difference.
    if "uid" not in before:
        inputs.pop("uid", None)
    return inputs
