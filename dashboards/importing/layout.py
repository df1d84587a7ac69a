"""Panels on the grid: rows from before 2017 laid out, leftover copies removed, IDs assigned."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Container, Iterable, Iterator
from typing import Any

from dashboards.importing.report import Json, Report, title_of

COLUMNS = 24
CELL = 38
"""Pixels: a grid row of 30 and the gap of 8 below it."""
LEAST_HEIGHT = 3
TALLEST = 200
LOWEST = 100_000
"""Grid rows: more than any dashboard has."""
LARGEST_ID = 2**31 - 1
"""Far below 2^53, beyond which browsers round numbers and two ids become one."""


def on_grid(dashboard: Json, report: Report) -> list[Json]:
    """The panels in today's model: a list that includes rows, each with its place on the grid."""
    panels = objects(dashboard.get("panels"))
    rows = [row for row in objects(dashboard.get("rows")) if not row.get("repeatIteration")]
    if rows:
        panels = [*panels, *_laid_out(rows)]
        report.did(f"laid the panels of {len(rows)} old-style rows out on the grid")
    kept = [_without_copies(panel, report) for panel in panels if not _is_copy(panel, report)]
    for panel in kept:
        if any(inner.get("type") == "row" for inner in panel.get("panels") or []):
            panel["panels"] = list(_outside_of_rows(panel["panels"]))
            report.count("moved the panels out of a row inside another row")
    for panel in every(kept):
        _repeat_in_columns(panel)
        panel["gridPos"] = _place(panel.get("gridPos"))
    bottom = max((place["y"] + place["h"] for panel in kept if (place := panel["gridPos"])), default=0)
    for panel in every(kept):
        if panel["gridPos"] is None:
            height = 1 if panel.get("type") == "row" else 8
            panel["gridPos"] = {"x": 0, "y": bottom, "w": COLUMNS, "h": height}
            bottom += height
    return kept


def every(panels: list[Json]) -> Iterator[Json]:
    """All panels, including rows and those inside collapsed rows."""
    for panel in panels:
        yield panel
        yield from panel.get("panels") or []


def objects(listed: Any) -> list[Json]:
    """The list's elements that are objects; none if it is not a list."""
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def without(panels: list[Json], dropped: Container[int]) -> list[Json]:
    """The panels without the dropped ones (by `id()`), also inside rows."""
    kept = [panel for panel in panels if id(panel) not in dropped]
    for panel in kept:
        if panel.get("panels"):
            panel["panels"] = [inner for inner in panel["panels"] if id(inner) not in dropped]
    return kept


def number(panels: list[Json]) -> None:
    """Give each panel a unique id; those that have one keep it."""
    taken = {panel["id"] for panel in every(panels) if _is_id(panel.get("id"))}
    free = (number for number in itertools.count(1) if number not in taken)
    seen: set[int] = set()
    for panel in every(panels):
        if not _is_id(panel.get("id")) or panel["id"] in seen:
            panel["id"] = next(free)
        seen.add(panel["id"])


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID


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
            heading["panels"] = inside  # hidden, so that the next row follows immediately
        else:
            yield from inside
            y = bottom


def _fill(panels: list[Json], y: int, height: int) -> int:
    """Place a row's panels from left to right, line by line, and return where the next row begins."""
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


def _place(written: Any) -> dict[str, int] | None:
    """The place within the grid; None if there is none. Grafana moves panels up, but draws any width and height."""
    given = written if isinstance(written, dict) else {}
    try:
        x, y, width, height = (int(float(given[key])) for key in ("x", "y", "w", "h"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if min(width, height) < 1:
        return None
    width = min(width, COLUMNS)
    return {
        **{"x": min(max(x, 0), COLUMNS - width), "y": min(max(y, 0), LOWEST)},
        **{"w": width, "h": min(height, TALLEST)},
    }


def _outside_of_rows(panels: list[Json]) -> Iterator[Json]:
    """The row's panels without inner rows, which Grafana does not have; their panels come in their place."""
    for panel in panels:
        if panel.get("type") == "row":
            yield from _outside_of_rows(objects(panel.get("panels")))
        else:
            yield panel


def _is_copy(panel: Json, report: Report) -> bool:
    """Whether it is a copy of a repeated panel or row that an old Grafana saved; Grafana creates copies again."""
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
    """Convert library panels, whose content is in the export, to ordinary ones."""
    by_uid = {
        str(element.get("uid")): element for element in objects(elements)
    }  # a list, in exports of Grafana 8 and 9.0
    known = elements if isinstance(elements, dict) else by_uid
    for panel in panels:
        library = panel.pop("libraryPanel", None)
        if not isinstance(library, dict):
            continue
        element = known.get(str(library.get("uid")))
        model = element.get("model") if isinstance(element, dict) else None
        if not isinstance(model, dict) or model.get("type") in (None, "row"):
            title = title_of({"title": library.get("name"), **panel})
            report.refuse(f"“{title}” is a library panel whose content is not in the file (unlink it first)", panel)
            panel.setdefault("type", "text")
            continue
        panel.update({**model, **{key: panel[key] for key in ("id", "gridPos") if key in panel}})
        panel.pop("libraryPanel", None)
        report.count("made a library panel an ordinary one")
