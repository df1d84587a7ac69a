"""Converts Angular's `singlestat` to `stat`, or to `gauge` if it was drawn as one.

github.com/grafana/grafana: packages/grafana-ui/src/components/SingleStatShared/SingleStatBaseOptions.ts
"""

from __future__ import annotations

import re

from dashboards.importing.report import Json, Report
from dashboards.importing.values import REDUCERS, mappings, number, present, steps


def converted(old: Json, report: Report) -> Json:
    """The panel's type, options and field configuration. `old` is the whole old panel."""
    gauge = old.get("gauge") if isinstance(old.get("gauge"), dict) else {}
    is_gauge = bool(gauge and gauge.get("show"))
    name = str(old.get("valueName") or "avg")
    reduce = {"values": False, "calcs": [REDUCERS.get(name, "mean")], "fields": _fields(old)}
    limits = steps(old.get("thresholds"), old.get("colors"))
    defaults = present(
        unit=old.get("format") or None,
        decimals=number(old.get("decimals")),
        noValue=old.get("nullText") or None,
        mappings=mappings(old),
        thresholds=limits or {"mode": "absolute", "steps": [{"value": None, "color": "green"}]},
        color={"mode": "thresholds"},
    )
    if old.get("prefix") or old.get("postfix"):
        report.count("left out the text before or after a number (prefix, postfix), which stat does not have")
    if is_gauge:
        low, high = number((gauge or {}).get("minValue")), number((gauge or {}).get("maxValue"))
        defaults |= {"min": 0 if low is None else low, "max": 100 if high is None else high}
        options: Json = {
            "reduceOptions": reduce,
            "orientation": "auto",
            "showThresholdMarkers": (gauge or {}).get("thresholdMarkers", True) is not False,
            "showThresholdLabels": bool((gauge or {}).get("thresholdLabels")),
        }
    else:
        sparkline = old.get("sparkline") if isinstance(old.get("sparkline"), dict) else {}
        coloured = "background" if old.get("colorBackground") else "value" if old.get("colorValue") else "none"
        options = {
            "reduceOptions": reduce,
            "orientation": "horizontal",
            "colorMode": coloured,
            "graphMode": "area" if (sparkline or {}).get("show") else "none",
            "justifyMode": "auto",
            "textMode": "name" if name == "name" else "value",
        }
    kind = "gauge" if is_gauge else "stat"
    return {"type": kind, "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}


def _fields(old: Json) -> str:
    """The column of a table that was shown; otherwise any number."""
    column = old.get("tableColumn")
    return f"/^{re.escape(column)}$/" if isinstance(column, str) and column else ""
