"""Converts Angular's `table` to today's.

github.com/grafana/grafana: public/app/plugins/panel/table/migrations.ts. Columns that were hidden by name are left
out by a transformation.
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.importing.report import Json, PanelError, Report, title_of
from dashboards.importing.values import REDUCERS, mappings, number, present, steps

TRANSFORMATIONS = {
    "timeseries_to_rows": "seriesToRows",
    "timeseries_to_columns": "joinByField",
    "timeseries_aggregations": "reduce",
    "table": "merge",
}
CELLS = {"cell": "color-background", "row": "color-background", "value": "color-text"}
EVERYTHING = "/.*/"


def converted(old: Json, report: Report) -> Json:
    """The panel's type, options, transformations and field configuration. `old` is the whole old panel."""
    how = str(old.get("transform") or "timeseries_to_columns")
    if how not in TRANSFORMATIONS:
        raise PanelError(f"is a table of {how}, which Grafana no longer has")
    styles = [style for style in old.get("styles") or [] if isinstance(style, dict)]
    general = next((style for style in styles if style.get("pattern") == EVERYTHING), {})
    hidden = [str(style.get("pattern")) for style in styles if style.get("type") == "hidden"]
    patterns = [name for name in hidden if name.startswith("/")]
    if patterns:
        report.warnings.append(f"“{title_of(old)}” hid columns by a pattern ({patterns[0]}); they are now shown")
    return {
        "type": "table",
        "options": {"showHeader": old.get("showHeader", True) is not False, "cellHeight": "sm"},
        "transformations": _transformations(how, old.get("columns"), [name for name in hidden if name not in patterns]),
        "fieldConfig": {
            "defaults": _general(general),
            "overrides": [
                rule
                for style in styles
                if style is not general and style.get("type") != "hidden" and (rule := _rule(style))
            ],
        },
    }


def _transformations(how: str, columns: Any, hidden: list[str]) -> list[Json]:
    options: Json = {}
    if how == "timeseries_aggregations":
        wanted = [column.get("value") for column in columns or [] if isinstance(column, dict)]
        options = {
            "includeTimeField": False,
            "reducers": [REDUCERS.get(str(name), "mean") for name in wanted] or ["mean"],
        }
    if how == "timeseries_to_columns":
        options = {"byField": "Time", "mode": "outer"}
    found: list[Json] = [{"id": TRANSFORMATIONS.get(how, "merge"), "options": options}]
    if hidden:
        found.append({"id": "organize", "options": {"excludeByName": dict.fromkeys(hidden, True)}})
    return found


def _general(style: Json) -> Json:
    return present(
        unit=style.get("unit") or None,
        decimals=number(style.get("decimals")),
        displayName=style.get("alias") or None,
        thresholds=steps(style.get("thresholds"), style.get("colors")),
        mappings=mappings(style),
        custom=present(align=_align(style), cellOptions=_cells(style)),
    )


def _rule(style: Json) -> Json | None:
    """One style as an override of the columns it names; None if it changes nothing."""
    name = str(style.get("pattern") or "")
    unit = style.get("unit")
    if style.get("type") == "date":
        unit = f"time:{style.get('dateFormat') or 'YYYY-MM-DD HH:mm:ss'}"
    values = {
        "displayName": style.get("alias") or None,
        "unit": unit or None,
        "decimals": number(style.get("decimals")) if style.get("type") == "number" else None,
        "links": [_link(style)] if style.get("link") and style.get("linkUrl") else None,
        "custom.cellOptions": _cells(style),
        "custom.align": _align(style),
        "thresholds": steps(style.get("thresholds"), style.get("colors")),
        "mappings": mappings(style),
    }
    properties = [{"id": key, "value": value} for key, value in values.items() if value is not None]
    matcher = {"id": "byRegexp" if name.startswith("/") else "byName", "options": name}
    return {"matcher": matcher, "properties": properties} if name and properties else None


def _cells(style: Json) -> Json | None:
    kind = CELLS.get(str(style.get("colorMode") or ""))
    return {"type": kind} if kind else None


def _align(style: Json) -> str | None:
    return style["align"] if style.get("align") in ("left", "center", "right") else None


def _link(style: Json) -> Json:
    """A link with today's names of Angular's `$__cell` and `$__cell_2`."""
    url = re.sub(r"\$__cell_(\d+)", r"${__data.fields[\1]}", str(style["linkUrl"]))
    url = re.sub(r"\$__cell(:\w+)?\b", "${__value.raw}", url)
    return {"title": style.get("linkTooltip") or "Open", "url": url, "targetBlank": bool(style.get("linkTargetBlank"))}
