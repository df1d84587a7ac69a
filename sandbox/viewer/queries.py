"""The queries of a dashboard with its variables filled in, as Grafana's frontend does before it sends them.

    values = {"host": ["web-1", "web-2"]}
    for query in panel_queries(json.loads(linux_hosts.build()), values, TimeRange.last(3600)):
        requests.post(f"{grafana}/api/ds/query", json=query.request())

Grafana's backend fills in `$timeFilter` and `$__interval`; for queries to InfluxDB itself, `influxql` does.
https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")
STEPS: dict[float, int] = {
    **{1.5: 1, 3.5: 2, 7.5: 5, 12.5: 10, 17.5: 15, 25: 20, 45: 30, 90: 60, 210: 120, 450: 300, 750: 600, 1050: 900},
    **{1500: 1200, 2700: 1800, 5400: 3600, 9000: 7200, 16200: 10800, 32400: 21600, 86400: 43200, 604800: 86400},
}
"""Seconds: for a distance between points below each key, the panel's step (`roundInterval` of @grafana/data 13.2)."""
WEEK = 604800

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Values = Mapping[str, str | list[str]]


class AsIs(str):
    """A value that is not escaped, as a dashboard's custom value for "All" (@grafana/scenes, CustomAllValue)."""

    __slots__ = ()


@dataclass(frozen=True)
class TimeRange:
    """The time range that a dashboard shows, in milliseconds since 1970."""

    start: int
    end: int

    @classmethod
    def last(cls, seconds: int) -> TimeRange:
        """The last `seconds`."""
        end = int(time.time() * 1000)
        return cls(end - seconds * 1000, end)

    def earlier(self, seconds: int) -> TimeRange:
        """A range of the same length, this many seconds earlier (a panel's `timeShift`)."""
        return TimeRange(self.start - seconds * 1000, self.end - seconds * 1000)


@dataclass(frozen=True)
class PanelQuery:
    """A query of a panel, as the frontend would send it.

    model: the target with variables filled in. step: seconds between two values.
    """

    panel_id: int
    title: str
    model: dict[str, Any]
    time_range: TimeRange
    step: int

    def request(self) -> dict[str, Any]:
        """The body for Grafana's /api/ds/query."""
        return {
            "queries": [{**self.model, "intervalMs": self.step * 1000, "maxDataPoints": 1000}],
            "from": str(self.time_range.start),
            "to": str(self.time_range.end),
        }

    def influxql(self) -> str:
        """The text for InfluxDB's /query, with Grafana's macros filled in, too."""
        times = f"time >= {self.time_range.start}ms and time <= {self.time_range.end}ms"
        text: str = self.model["query"].replace("$timeFilter", times)
        return text.replace("$__interval_ms", str(self.step * 1000)).replace("$__interval", f"{self.step}s")


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels except rows, including those inside collapsed rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def panel_queries(
    dashboard: Mapping[str, Any], values: Values, time_range: TimeRange, points: int = 1000
) -> list[PanelQuery]:
    """Every query of every panel.

    values: the variables' values; the others have the dashboard's default.
    points: the number of values that fit into a panel's width.
    """
    known = {**_defaults(dashboard), **values}
    known["__from"], known["__to"] = str(time_range.start), str(time_range.end)
    queries = []
    for panel in panels(dashboard):
        at_least = _seconds(_filled(panel.get("interval", "10s"), known))
        most = panel.get("maxDataPoints") or points
        step = max(at_least, _step((time_range.end - time_range.start) / 1000 / most))
        shown = time_range.earlier(_seconds(panel.get("timeShift", "0s")))
        for target in panel["targets"]:
            model = {key: _model(key, value, known) for key, value in target.items()}
            queries.append(PanelQuery(panel["id"], panel["title"], model, shown, step))
    return queries


def variable_queries(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The dashboard's variables whose values come from a query."""
    return [each for each in dashboard["templating"]["list"] if each["type"] == "query"]


def _defaults(dashboard: Mapping[str, Any]) -> dict[str, str | list[str]]:
    return {
        each["name"]: AsIs(each["allValue"]) if _is_all(each) and each.get("allValue") else each["current"]["value"]
        for each in dashboard["templating"]["list"]
    }


def _is_all(variable: Mapping[str, Any]) -> bool:
    return "$__all" in variable["current"]["value"]


def _model(key: str, value: Any, known: Values) -> Any:
    if key in {"label", "alias"}:
        return value
    if key == "datasource":  # it can be a variable, too
        return {name: _filled(each, known) for name, each in value.items()}
    if key == "dimensions":
        return {name: _expanded(each, known) if isinstance(each, str) else each for name, each in value.items()}
    if isinstance(value, list):  # the parts of an InfluxQL query from the visual editor
        return [_inside(one, known) for one in value]
    return _filled(value, known, as_expression=key == "query") if isinstance(value, str) else value


def _inside(value: Any, known: Values) -> Any:
    if isinstance(value, dict):
        return {key: _inside(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_inside(one, known) for one in value]
    return _filled(value, known, as_expression=True) if isinstance(value, str) else value


def _expanded(value: str, known: Values) -> list[str]:
    """The values of a CloudWatch dimension. A variable stands for all its values. Variables inside lists are not filled
    in (grafana-cloudwatch-datasource, src/query-runner/CloudWatchRequest.ts, convertDimensionFormat)."""
    chosen = known.get(value.removeprefix("$"), value)
    return chosen if isinstance(chosen, list) else [chosen]


def _filled(text: str, known: Values, *, as_expression: bool = False) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in known:
            return match[0]  # a macro of the backend, or an unknown variable, which the tests of the queries find
        chosen = known[name]
        if isinstance(chosen, str):
            as_it_is = not as_expression or name.startswith("__") or isinstance(chosen, AsIs)
            return chosen if as_it_is else _escaped(chosen)
        return _escaped(chosen[0]) if len(chosen) == 1 else f"({'|'.join(map(_escaped, chosen))})"

    return VARIABLE.sub(value, text)


def _escaped(value: str) -> str:
    return re.sub(r"[/\\^$*+?.()|\[\]{}]", r"\\\g<0>", value)


def _seconds(text: str) -> int:
    return int(text[:-1]) * SECONDS[text[-1]]


def _step(seconds: float) -> int:
    return next((step for below, step in STEPS.items() if seconds < below), WEEK)
