"""Panels of types that Grafana dropped become their successors; unknown types are refused."""

from __future__ import annotations

import json
from collections.abc import Callable

from dashboards.importing import graph, retired, singlestat, table
from dashboards.importing.kinds import CORE, is_old_table
from dashboards.importing.layout import objects
from dashboards.importing.report import Json, PanelError, Report
from dashboards.importing.values import number

KEPT = (
    *("id", "title", "description", "gridPos", "datasource", "targets", "links", "interval", "maxDataPoints"),
    *("timeFrom", "timeShift", "hideTimeOverride", "transparent", "repeat", "repeatDirection", "maxPerRow"),
    "cacheTimeout",
)
"""What a converted panel keeps as it is."""

TEXTS = ("timeFrom", "timeShift", "interval", "cacheTimeout", "repeat", "repeatDirection")
"""What is text in Grafana. A number as one of the first three breaks its page (@grafana/data: describeTextRange,
intervalToMs)."""
NUMBERS = ("maxDataPoints", "maxPerRow")

CONVERTERS: dict[str, Callable[[Json, Report], Json]] = {
    "graph": graph.converted,
    "singlestat": singlestat.converted,
    "grafana-singlestat-panel": singlestat.converted,
    "table-old": table.converted,
    "grafana-piechart-panel": retired.piechart,
    "grafana-worldmap-panel": retired.geomap,
    "natel-discrete-panel": retired.discrete,
}
"""As Grafana's PanelModel has it: `autoMigrateAngular`."""
RENAMED = {"table2": "table", "text2": "text", "heatmap-new": "heatmap"}
"""Their names while they were new."""
SHOWN = {"table-old": "table (old)"}


def modernise(panel: Json, report: Report) -> None:
    """Convert the panel in place. Raises PanelError for a kind that Grafana does not have."""
    _of_their_kinds(panel, report)
    # A converted panel keeps them, as in Grafana (PanelModel's mustKeepProps); of old tables their own are the first.
    given = panel.pop("transformations", None)
    kept = [each for each in objects(given) if isinstance(each.get("id"), str)]
    kind = str(panel.get("type") or "")
    kind = "table-old" if is_old_table(panel) else RENAMED.get(kind, kind)
    panel["type"] = kind
    alert = panel.pop("alert", None)
    if kind in CONVERTERS:
        before = dict(panel)
        converted = CONVERTERS[kind](before, report)
        panel.clear()
        panel.update({key: before[key] for key in KEPT if before.get(key) is not None})
        panel.update(converted)
        report.count(f"converted a panel {SHOWN.get(kind, kind)} to {panel['type']}")
    elif not kind:
        raise PanelError("says no type")
    elif kind not in CORE:
        raise PanelError(f"is a {kind}, a plugin that is not part of Grafana (replace or delete that panel first)")
    elif kind == "text":
        _text(panel)
    if kind != "row":
        fields = panel.get("fieldConfig") or {}
        said = {key: value for key, value in fields.items() if value is not None}
        panel["fieldConfig"] = {"defaults": {}, "overrides": [], **said}
        panel["options"] = panel.get("options") or {}
        panel["title"] = str(panel.get("title") or "")
    if kept or panel.get("transformations"):
        panel["transformations"] = [*kept, *panel.get("transformations", [])]
    if given and len(kept) != len(given):
        report.count("left out transformations without an ID, which Grafana cannot load")
    if alert:
        report.count("left out the alert rule of a panel (rules are in alerts/, docs/alerts.md)")


def _of_their_kinds(panel: Json, report: Report) -> None:
    """Numbers become numbers; what should be text and is not is left out: is 6 hours, or seconds?"""
    for key in NUMBERS:
        if panel.get(key) is not None:
            panel[key] = number(panel[key])
    for key in TEXTS:
        if panel.get(key) is not None and not isinstance(panel[key], str):
            report.count(f"left out a panel's {key}, because it is not text ({json.dumps(panel.pop(key))[:20]})")


def _text(panel: Json) -> None:
    """Text panels used to have their text next to their options."""
    options = panel["options"] = panel.get("options") or {}
    for key in ("content", "mode"):
        if key in panel:
            options.setdefault(key, panel.pop(key))
    if options.get("mode") not in ("markdown", "html", "code"):
        options["mode"] = "markdown"
