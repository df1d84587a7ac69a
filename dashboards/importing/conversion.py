"""A community dashboard's text to a dashboard of this repository: the steps in their order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace

from dashboards.from_files import NAME, check
from dashboards.importing import layout, measured, panels, queries
from dashboards.importing.datasources import Sources, resolve
from dashboards.importing.kinds import OWN_UIDS, SOURCES
from dashboards.importing.report import ImportingError, Json, Report
from dashboards.importing.source import parse, unwrapped
from dashboards.importing.variables import constants, filled, own_annotations, own_variables

OLDEST_SCHEMA = 16
"""The first schema with panels on a grid. Grafana migrates what is newer by itself."""
KEPT = ("refresh", "time", "timepicker", "timezone", "weekStart", "fiscalYearStartMonth", "liveNow", "preload")
LINK = {
    "title": "",
    "type": "link",
    "url": "",
    "tags": [],
    "icon": "external link",
    "tooltip": "",
    "asDropdown": False,
    "includeVars": False,
    "keepTime": False,
    "targetBlank": False,
}
"""What a dashboard's link must say; old ones left it to Grafana."""


@dataclass(frozen=True)
class Imported:
    """The result. dashboard: its JSON, in the order it is written."""

    name: str
    dashboard: Json
    report: Report

    def beside(self, titles: Collection[str]) -> Imported:
        """The same under a title of its own, beside dashboards that have these titles."""
        title = self.dashboard["title"]
        if title not in titles:
            return self
        self.report.did(f"called it “{title} ({self.name})”, as there is a “{title}” already")
        return replace(self, dashboard=self.dashboard | {"title": f"{title} ({self.name})"})


def convert(text: str, shown: str, name: str = "") -> Imported:
    """The dashboard in the text.

    shown: where it came from, for messages. name: file name and uid, by default made of the title.

    Raises ImportingError, one line: for text that is no dashboard, and with everything that cannot be converted.
    """
    report = Report()
    raw = unwrapped(parse(text, shown), shown, report)
    name = checked_name(name or _name_of(raw["title"]))
    try:
        dashboard = _converted(raw, report)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        # Nobody checks a community dashboard's types; what does not fit anywhere is told as such.
        reason = f"{type(error).__name__}: {error}"
        raise ImportingError(f"{shown}: a part of it has not the form of a dashboard ({reason})") from error
    if report.refused:
        have = "this environment has InfluxDB (asked in InfluxQL), CloudWatch and Grafana's own panels"
        raise ImportingError(f"{shown}: cannot be imported: {'; '.join(report.refused)} ({have})")
    whole = {"uid": name, "title": raw["title"].strip(), **dashboard}
    try:
        check(whole, name)
    except ValueError as error:
        raise ImportingError(f"{shown}: cannot be imported: what comes of it {error}") from None
    return Imported(name, whole, report)


def _converted(raw: Json, report: Report) -> Json:
    sources = Sources(raw)
    texts = constants(raw)
    for constant, value in texts.items():
        report.did(f"filled in {constant} = “{value}”, as the export proposes")
    raw = filled(raw, texts)
    listed = layout.on_grid(raw, report)
    layout.inlined(listed, raw.get("__elements"), report)
    panels.modernise(layout.every(listed), report)
    resolve(layout.every(listed), sources, report)
    queries.modernise(layout.every(listed), report)
    asked = own_variables(raw, sources, report)
    noted = own_annotations(raw, sources, report)
    listed = filled(listed, {name: SOURCES[kind] for name, kind in sources.variables.items() if kind in SOURCES})
    layout.number(listed)
    measured.check(layout.every(listed), asked, noted, report)
    links = [{**LINK, **link} for link in raw.get("links") or [] if link.get("url") or link.get("tags")]
    schema = raw.get("schemaVersion")
    return {
        "description": _description(raw),
        "tags": list(dict.fromkeys([*(str(tag) for tag in raw.get("tags") or []), "imported"])),
        "editable": False,
        **{key: raw[key] for key in KEPT if key in raw},
        "graphTooltip": 1 if raw.get("sharedCrosshair") else raw.get("graphTooltip") or 0,
        "schemaVersion": max(OLDEST_SCHEMA, schema) if isinstance(schema, int) else OLDEST_SCHEMA,
        "links": links,
        "annotations": {"list": noted},
        "templating": {"list": asked},
        "panels": listed,
    }


def _description(raw: Json) -> str:
    number = raw.get("gnetId")
    origin = f" from grafana.com/grafana/dashboards/{number}" if number else ""
    managed = (
        f"Imported{origin} and managed by Pulumi: changes belong in the repository's dashboards/imported/ folder; what"
        " is changed by hand here is put back by the next `pulumi up`. Use “Save as” for a copy of your own."
    )
    return f"{raw['description']}\n\n{managed}" if raw.get("description") else managed


def checked_name(name: str) -> str:
    """The name, if it can be a file's and a uid. Raises ImportingError."""
    if not NAME.fullmatch(name):
        raise ImportingError(f"{name!r} cannot be its name: write NAME= with up to 40 small letters, digits and dashes")
    if name in OWN_UIDS:
        raise ImportingError(f"{name} is one of this project's own dashboards: write another NAME=")
    return name


def _name_of(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    if not found:
        raise ImportingError(f"no name can be made of the title “{title[:60]}”: write NAME=")
    return f"{found}-imported"[:40].strip("-") if found in OWN_UIDS else found
