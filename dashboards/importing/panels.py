"""Converts panels of types that Grafana dropped to their successors, and refuses unknown types."""

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
"""The fields that a converted panel keeps."""

TEXTS = ("timeFrom", "timeShift", "interval", "cacheTimeout", "repeat", "repeatDirection")
"""The fields that are text in Grafana. A number in one of the first three breaks its page (@grafana/data:
describeTextRange, intervalToMs)."""
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
"""The types that Grafana's PanelModel converts: `autoMigrateAngular`."""
RENAMED = {"table2": "table", "text2": "text", "heatmap-new": "heatmap"}
"""Names that types had while they were new."""
SHOWN = {"table-old": "table (old)"}


def modernise(panel: Json, report: Report) -> None:
    """Convert the panel in place. Raises PanelError for a kind that Grafana does not have."""
    _of_their_kinds(panel, report)
    # A converted panel keeps transformations, as in Grafana (PanelModel's mustKeepProps), before those of old tables.
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
        raise PanelError("has no type")
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
    """Convert numbers, and leave out what should be text but is not: 6 could be hours or seconds."""
    for key in NUMBERS:
        if panel.get(key) is not None:
            panel[key] = number(panel[key])
    for key in TEXTS:
        if panel.get(key) is not None and not isinstance(panel[key], str):
            report.count(f"left out a panel's {key}, because it is not text ({json.dumps(panel.pop(key))[:20]})")


def _text(panel: Json) -> None:
    """Move a text panel's text into its options, next to which it used to be."""
    options = panel["options"] = panel.get("options") or {}
    for key in ("content", "mode"):
        if key in panel:
            options.setdefault(key, panel.pop(key))
    if options.get("mode") not in ("markdown", "html", "code"):
        options["mode"] = "markdown"
