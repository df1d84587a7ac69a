"""Queries in the shape that Grafana's backend asks today."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from dashboards.importing.report import Json, Report

LABELS = {"metric": "MetricName", "namespace": "Namespace", "region": "Region", "period": "Period", "stat": "Stat"}


def modernise(panels: Iterable[Json], report: Report) -> None:
    """Convert each panel's queries in place: letters given, CloudWatch's statistics one a query."""
    for panel in panels:
        targets = panel.get("targets")
        if targets is None:
            continue
        converted = [one for target in targets for one in _one(target)]
        if len(converted) > len(targets):
            report.count("split a CloudWatch query of several statistics", len(converted) - len(targets))
        _letter(converted)
        panel["targets"] = converted


def _one(target: Json) -> Iterator[Json]:
    if target["datasource"]["type"] == "influxdb":
        if "rawQuery" not in target and isinstance(target.get("query"), str) and "measurement" not in target:
            target["rawQuery"] = True
        target.setdefault("resultFormat", "time_series")
        yield target
    elif target["datasource"]["type"] == "cloudwatch":
        yield from _cloudwatch(target)
    else:
        yield target


def _cloudwatch(target: Json) -> Iterator[Json]:
    """Grafana's own migrations of 2021 and 2022: a statistic a query, a label instead of an alias."""
    statistics = [str(each) for each in target.pop("statistics", None) or []]
    alias = target.pop("alias", None)
    if alias and not target.get("label"):
        target["label"] = re.sub(r"\{\{\s*([^}]+?)\s*\}\}", _label, str(alias))
    target.setdefault("queryMode", "Metrics")
    if target["queryMode"] == "Metrics":
        target.setdefault("metricQueryType", 0)
        target.setdefault("metricEditorMode", 1 if target.get("expression") else 0)
        target.setdefault("region", "default")
        given = target.get("dimensions")
        dimensions = given.items() if isinstance(given, dict) else ()
        target["dimensions"] = {name: value if isinstance(value, list) else [str(value)] for name, value in dimensions}
    wanted = [str(target["statistic"])] if target.get("statistic") else statistics or ["Average"]
    for index, statistic in enumerate(wanted):
        own = {"refId": "", "id": ""} if index else {}
        yield {**target, **own, "statistic": statistic}


def _label(found: re.Match[str]) -> str:
    name = found[1]
    return "${LABEL}" if name == "label" else f"${{PROP('{LABELS.get(name) or f'Dim.{name}'}')}}"


def _letter(targets: list[Json]) -> None:
    """A letter of its own for each query that has none."""
    taken = {str(target.get("refId")) for target in targets}
    free = (letter for letter in _letters() if letter not in taken)
    seen: set[str] = set()
    for target in targets:
        if not target.get("refId") or target["refId"] in seen:
            target["refId"] = next(free)
        seen.add(target["refId"])


def _letters() -> Iterator[str]:
    yield from string.ascii_uppercase
    yield from (f"{one}{other}" for one in string.ascii_uppercase for other in string.ascii_uppercase)
