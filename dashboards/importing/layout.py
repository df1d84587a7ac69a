"""Panels on the grid: rows from before 2017 laid out, leftover copies removed, IDs assigned."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Iterator
from typing import Any

from dashboards.importing.report import Json, Report, title_of

COLUMNS = 24
CELL = 38
"""Pixels: a grid row of 30 and the gap of 8 below it."""
LEAST_HEIGHT = 3


def on_grid(dashboard: Json, report: Report) -> list[Json]:
    """The panels in today's model: a list, each with its place, rows among them."""
    panels = objects(dashboard.get("panels"))
    rows = [row for row in objects(dashboard.get("rows")) if not row.get("repeatIteration")]
    if rows:
        panels = [*panels, *_laid_out(rows)]
        report.did(f"laid the panels of {len(rows)} old-style rows out on the grid")
    kept = [_without_copies(panel, report) for panel in panels if not _is_copy(panel, report)]
    for panel in every(kept):
        _repeat_in_columns(panel)
    bottom = max((_bottom(panel) for panel in kept if isinstance(panel.get("gridPos"), dict)), default=0)
    for panel in [panel for panel in kept if not isinstance(panel.get("gridPos"), dict)]:
        panel["gridPos"] = {"x": 0, "y": bottom, "w": COLUMNS, "h": 8}
        bottom += 8
    return kept


def every(panels: list[Json]) -> Iterator[Json]:
    """All panels, those inside collapsed rows and the rows too."""
    for panel in panels:
        yield panel
        yield from panel.get("panels") or []


def objects(listed: Any) -> list[Json]:
    """The list's elements that are objects; none where it is no list."""
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def without(panels: list[Json], dropped: Container[int]) -> list[Json]:
    """The panels but those dropped (by `id()`), also inside rows."""
    kept = [panel for panel in panels if id(panel) not in dropped]
    for panel in kept:
        if panel.get("panels"):
            panel["panels"] = [inner for inner in panel["panels"] if id(inner) not in dropped]
    return kept


def number(panels: list[Json]) -> None:
    """Give each panel an id of its own; those that have one keep it."""
    taken = {panel["id"] for panel in every(panels) if isinstance(panel.get("id"), int)}
    seen: set[int] = set()
    for panel in every(panels):
        if not isinstance(panel.get("id"), int) or panel["id"] in seen:
            panel["id"] = max(taken, default=0) + 1
            taken.add(panel["id"])
        seen.add(panel["id"])


def _laid_out(rows: list[Json]) -> Iterator[Json]:
    """Grafana's own rule (DashboardMigrator): a row is shown as such when any row was collapsed, titled or repeated."""
    titled = any(row.get("collapse") or row.get("showTitle") or row.get("repeat") for row in rows)
    y = 0
    for row in rows:
        inside = objects(row.get("panels"))
        height = _height(row.get("height"))
        heading: Json | None = None
        if titled:
            heading = {
                "type": "row",
                "title": row.get("title") or "",
                "collapsed": bool(row.get("collapse")),
                "panels": [],
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            }
            if row.get("repeat"):
                heading["repeat"] = row["repeat"]
            y += 1
            yield heading
        bottom = _fill(inside, y, height)
        if heading and heading["collapsed"]:
            heading["panels"] = inside  # hidden below it, so what follows comes right after
        else:
            yield from inside
            y = bottom


def _fill(panels: list[Json], y: int, height: int) -> int:
    """Place a row's panels from left to right, line by line; returns where the next row begins."""
    x = line = 0
    for panel in panels:
        width = min(COLUMNS, max(1, round(2 * _number(panel.pop("span", None), 4))))
        tall = _height(panel.pop("height", None), height)
        if x + width > COLUMNS:
            x, y, line = 0, y + line, 0
        panel["gridPos"] = {"x": x, "y": y, "w": width, "h": tall}
        x, line = x + width, max(line, tall)
    return y + line


def _height(written: Any, usual: int = 7) -> int:
    """Grid rows for a height in pixels (`250px`, 250)."""
    pixels = re.match(r"\d+", str(written or ""))
    return max(LEAST_HEIGHT, math.ceil(int(pixels[0]) / CELL)) if pixels else usual


def _number(value: Any, usual: float) -> float:
    return float(value) if isinstance(value, int | float) else usual


def _bottom(panel: Json) -> int:
    place = panel["gridPos"]
    return int(_number(place.get("y"), 0) + _number(place.get("h"), 8))


def _is_copy(panel: Json, report: Report) -> bool:
    """Copies that an old Grafana made of a repeated panel or row and saved; Grafana makes them again."""
    if panel.get("repeatPanelId") or panel.get("repeatByRow"):
        report.count("dropped a saved copy of a repeated panel")
        return True
    return False


def _without_copies(panel: Json, report: Report) -> Json:
    if "panels" in panel:
        panel["panels"] = [one for one in objects(panel["panels"]) if not _is_copy(one, report)]
    for key in (
        "scopedVars",
        "repeatIteration",
        "repeatPanelId",
        "repeatByRow",
        "isNew",
        "editable",
        "error",
        "renderer",
    ):
        panel.pop(key, None)
    return panel


def _repeat_in_columns(panel: Json) -> None:
    least = panel.pop("minSpan", None)
    if panel.get("repeat") and isinstance(least, int | float) and least > 0:
        panel["maxPerRow"] = max(1, round(12 / least))


def inlined(panels: Iterable[Json], elements: Any, report: Report) -> None:
    """Library panels, whose content an export carries along, become ordinary ones."""
    known = elements if isinstance(elements, dict) else {}
    for panel in panels:
        library = panel.pop("libraryPanel", None)
        if not isinstance(library, dict):
            continue
        element = known.get(str(library.get("uid")))
        model = element.get("model") if isinstance(element, dict) else None
        if not isinstance(model, dict):
            title = title_of({**library, **panel})
            report.refuse(f"“{title}” is a library panel whose content is not in the file (unlink it first)", panel)
            panel.setdefault("type", "text")
            continue
        panel.update({**model, **{key: panel[key] for key in ("id", "gridPos") if key in panel}})
        panel.pop("libraryPanel", None)
        report.count("made a library panel an ordinary one")
