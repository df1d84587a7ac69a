"""Converts queries to the form that Grafana's backend expects today."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from typing import Any

from dashboards.importing.report import Json, Report, named, title_of

LABELS = {"metric": "MetricName", "namespace": "Namespace", "region": "Region", "period": "Period", "stat": "Stat"}


def modernise(panel: Json, report: Report) -> None:
    """Convert the panel's queries in place: each gets a letter, and one CloudWatch statistic."""
    targets = panel.get("targets")
    if targets is None:
        return
    converted = [one for target in targets for one in _one(target)]
    if len(converted) > len(targets):
        report.count("split a CloudWatch query of several statistics", len(converted) - len(targets))
    _letter(converted)
    panel["targets"] = converted


def tell(panels: list[Json], variables: Iterable[Json], annotations: Iterable[Json], report: Report) -> None:
    """Report the queries that are kept but cannot work with this Grafana as installed."""
    logs = [title_of(panel) for panel in panels if any(map(_is_of_logs, panel.get("targets") or []))]
    logs += [f"${each['name']}" for each in variables if _is_of_logs(each.get("query"))]
    logs += [f"annotation {each.get('name')}" for each in annotations if _is_of_logs(each.get("target") or each)]
    if logs:
        report.did(
            f"kept the CloudWatch Logs queries in {named(logs)}, which stay empty: Grafana's user may read only"
            " CloudWatch's metrics"
        )
    sql = [title_of(panel) for panel in panels if any(map(_is_sql_expression, panel.get("targets") or []))]
    if sql:  # https://grafana.com/docs/grafana/v13.0/…/sql-expressions/: a public preview; v13.3: on by default
        report.did(f"kept the SQL expressions in {named(sql)}, which need Grafana's feature toggle sqlExpressions")


def _is_sql_expression(query: Json) -> bool:
    return query["datasource"]["type"] == "__expr__" and query.get("type") == "sql"


def _is_of_logs(query: Any) -> bool:
    """Whether it is a panel's query in the mode Logs, or a variable's for log groups."""
    if not isinstance(query, dict):
        return False
    return query.get("queryMode") == "Logs" or query.get("queryType") == "logGroups"


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
    """Grafana's own migrations of 2021 and 2022: one statistic per query, a label instead of an alias."""
    given = target.pop("statistics", None) or []
    statistics = [str(each) for each in (given if isinstance(given, list) else [given]) if each]
    alias = target.pop("alias", None)
    if alias and not target.get("label"):
        target["label"] = re.sub(r"\{\{\s*([^}]+?)\s*\}\}", _label, str(alias))
    target.setdefault("queryMode", "Metrics")
    if target["queryMode"] != "Metrics":
        yield target
        return
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
    """Give each query without a unique letter another one."""
    taken = {str(target.get("refId")) for target in targets}
    free = (letter for letter in _letters() if letter not in taken)
    seen: set[str] = set()
    for target in targets:
        target["refId"] = str(target.get("refId") or "")
        if not target.get("refId") or target["refId"] in seen:
            target["refId"] = next(free)
        seen.add(target["refId"])


def _letters() -> Iterator[str]:
    yield from string.ascii_uppercase
    yield from (f"{one}{other}" for one in string.ascii_uppercase for other in string.ascii_uppercase)
