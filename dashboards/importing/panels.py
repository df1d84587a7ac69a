"""Panels of kinds that Grafana dropped become the kinds that followed them; unknown kinds are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dashboards.importing import graph, singlestat, table
from dashboards.importing.kinds import CORE, is_old_table
from dashboards.importing.report import Json, Report, title_of

KEPT = (
    *("id", "title", "description", "gridPos", "datasource", "targets", "links", "interval", "maxDataPoints"),
    *("timeFrom", "timeShift", "hideTimeOverride", "transparent", "repeat", "repeatDirection", "maxPerRow"),
    "cacheTimeout",
)
"""What a converted panel keeps as it is."""

CONVERTERS: dict[str, Callable[[Json, Report], Json]] = {
    "graph": graph.converted,
    "singlestat": singlestat.converted,
    "table-old": table.converted,
}
RENAMED = {"table2": "table", "text2": "text"}
"""What these were called while they were new."""


def modernise(panels: Iterable[Json], report: Report) -> None:
    """Convert each panel in place."""
    for panel in panels:
        kind = str(panel.get("type") or "")
        kind = "table-old" if is_old_table(panel) else RENAMED.get(kind, kind)
        panel["type"] = kind
        if kind in CONVERTERS:
            before = dict(panel)
            panel.clear()
            panel.update({key: before[key] for key in KEPT if before.get(key) is not None})
            panel.update(CONVERTERS[kind](before, report))
            report.count(f"converted a panel {'table (old)' if kind == 'table-old' else kind} to {panel['type']}")
            if before.get("alert"):
                report.count("left out the alert rule of a panel (rules are in alerts/, docs/alerts.md)")
        elif kind not in CORE:
            report.refused.append(_unknown(panel, kind))
        elif kind == "text":
            _text(panel)
        if kind != "row":
            panel.setdefault("fieldConfig", {"defaults": {}, "overrides": []})
            panel["fieldConfig"].setdefault("defaults", {})
            panel["fieldConfig"].setdefault("overrides", [])
            panel.setdefault("options", {})
            panel.setdefault("title", "")
        panel.pop("alert", None)
        _links(panel, report)


def _unknown(panel: Json, kind: str) -> str:
    if not kind:
        return f"“{title_of(panel)}” says no type"
    return f"“{title_of(panel)}” is a {kind}, a plugin that is not part of Grafana (replace or delete that panel first)"


def _text(panel: Json) -> None:
    """Text panels once had their text beside their options."""
    options = panel.setdefault("options", {})
    for key in ("content", "mode"):
        if key in panel:
            options.setdefault(key, panel.pop(key))
    if options.get("mode") not in ("markdown", "html", "code"):
        options["mode"] = "markdown"


def _links(panel: Json, report: Report) -> None:
    """Links to dashboards of somebody else's Grafana, by their title, lead nowhere."""
    links = panel.get("links")
    if not isinstance(links, list):
        panel.pop("links", None)
        return
    kept = [link for link in links if isinstance(link, dict) and link.get("url")]
    if len(kept) < len(links):
        report.count("left out a panel's link to a dashboard that is not here", len(links) - len(kept))
    panel["links"] = [
        {"title": link.get("title") or "Link", "url": link["url"], "targetBlank": bool(link.get("targetBlank"))}
        for link in kept
    ]
