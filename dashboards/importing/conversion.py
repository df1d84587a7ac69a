"""From a community dashboard's text to a dashboard of this repository, step by step."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from dashboards.from_files import NAME, check
from dashboards.importing import layout, measured, oldest, panels, queries
from dashboards.importing.datasources import Sources, resolve, shows_another
from dashboards.importing.kinds import OWN_UIDS
from dashboards.importing.links import Links
from dashboards.importing.oldest import OLDEST_SCHEMA
from dashboards.importing.report import FORM, ImportingError, Json, Report, each, named, title_of
from dashboards.importing.source import parse, unwrapped
from dashboards.importing.variables import constants, filled, names, own_annotations, own_variables

MANAGED = "and managed by Pulumi"
KEPT: dict[str, type | tuple[type, ...]] = {
    **{"refresh": str, "timepicker": dict, "timezone": str, "weekStart": str, "fiscalYearStartMonth": int},
    **{"liveNow": bool, "preload": bool},
}
"""The fields that a dashboard keeps if they have this type: otherwise Grafana's server or its pages would break."""


@dataclass(frozen=True)
class Imported:
    """The result. dashboard: its JSON, in the order in which it is written."""

    name: str
    dashboard: Json
    report: Report

    def among(self, titles: Collection[str]) -> Imported:
        """The same with a title that none of these dashboards has."""
        title = self.dashboard["title"]
        if title not in titles:
            return self
        self.report.did(f"named it “{title} ({self.name})”, because a “{title}” already exists")
        return replace(self, dashboard=self.dashboard | {"title": f"{title} ({self.name})"})


def convert(text: str, shown: str, name: str = "", *, skip: bool = False, there: Collection[str] = ()) -> Imported:
    """The dashboard in the text.

    shown: where it came from, for messages. name: file name and uid, by default derived from the title. skip: whether
    panels and variables that cannot be converted are left out. there: the uids of existing dashboards, for links.

    Raises ImportingError, in one line, if the text is not a dashboard, or with everything that cannot be converted.
    """
    report = Report(skip)
    raw = unwrapped(parse(text, shown), shown, report)
    name = checked_name(name or _name_of(raw["title"]))
    try:
        dashboard = _converted(raw, name, OWN_UIDS.union(there), report)
    except FORM as error:
        reason = f"{type(error).__name__}: {error}"
        raise ImportingError(f"{shown}: part of it is not shaped like a dashboard ({reason})") from error
    have = "this environment has InfluxDB (queried in InfluxQL), CloudWatch and Grafana's own panels"
    if report.refused:
        skipping = "; SKIP=1 imports it without these" if not skip else ""
        raise ImportingError(f"{shown}: cannot be imported: {'; '.join(report.refused)} ({have}{skipping})")
    if report.dropped and not any(panel["type"] != "row" for panel in layout.every(dashboard["panels"])):
        raise ImportingError(
            f"{shown}: cannot be imported: nothing would be left of it: {'; '.join(report.left)} ({have})"
        )
    whole = {"uid": name, "title": raw["title"].strip(), **dashboard}
    try:
        check(whole, name)
    except ValueError as error:
        raise ImportingError(f"{shown}: cannot be imported: the result {error}") from None
    return Imported(name, whole, report)


def _converted(raw: Json, name: str, there: Collection[str], report: Report) -> Json:
    texts = constants(raw)
    for constant, value in texts.items():
        report.did(f"filled in {constant} = “{value}”, as the export suggests")
    raw = oldest.upgraded(filled(raw, texts, names(raw)))
    sources = Sources(raw)
    given = raw.get("tags")
    tags = list(dict.fromkeys([*(str(tag) for tag in (given if isinstance(given, list) else []) if tag), "imported"]))
    links = Links(raw, name, there, tags)
    listed = _panels(raw, sources, links, report)
    asked = own_variables(raw, sources, report)
    noted = own_annotations(raw, sources, report)
    every = list(layout.every(listed))
    measured.check(every, asked, noted, report)
    if report.dropped and not any(panel.get("targets") for panel in every):
        report.warnings.append("no panel that shows data is left")
    _warn_of_lost_variables(every, names(raw) - {one["name"] for one in asked} - sources.variables.keys(), report)
    queries.tell(every, asked, noted, report)
    own_links = links.of_dashboard(raw.get("links"))
    links.tell(report)
    whole = {
        "description": _description(raw),
        "tags": tags,
        "editable": False,
        **{key: raw[key] for key, kind in KEPT.items() if isinstance(raw.get(key), kind)},
        **({"time": raw["time"]} if isinstance(raw.get("time"), dict) else {}),
        "graphTooltip": _tooltip(raw),
        "schemaVersion": max(OLDEST_SCHEMA, oldest.schema_of(raw)),
        "links": own_links,
        "annotations": {"list": noted},
        "templating": {"list": asked},
        "panels": listed,
    }
    return dict(filled(whole, sources.texts))


def _tooltip(raw: Json) -> int:
    """Whether panels share a crosshair (1) or a tooltip (2)."""
    given = raw.get("graphTooltip")
    return 1 if raw.get("sharedCrosshair") else given if given in (1, 2) and isinstance(given, int) else 0


def _panels(raw: Json, sources: Sources, links: Links, report: Report) -> list[Json]:
    """The panels, converted step by step; later steps do not see what earlier ones dropped."""
    listed = layout.on_grid(raw, report)
    steps: list[Callable[[list[Json]], None]] = [
        lambda every: layout.inlined(every, raw.get("__elements"), report),
        lambda every: each(every, lambda panel: panels.modernise(panel, report), report),
        lambda every: resolve(every, sources, report),
        lambda every: _without_data(every, report),
        lambda every: each(every, lambda panel: queries.modernise(panel, report), report),
        lambda every: each(every, links.of_panel, report),
    ]
    for step in steps:
        step(list(layout.every(listed)))
        listed = layout.without(listed, report.dropped)
    listed = filled(listed, sources.texts)
    layout.number(listed)
    return list(listed)


def _without_data(every: list[Json], report: Report) -> None:
    ids = [panel.get("id") for panel in every if id(panel) not in report.dropped]
    if gone := [panel for panel in every if shows_another(panel, ids)]:
        titles = named(title_of(panel) for panel in gone)
        report.leave_out(f"{titles}: shows the data of a panel that does not exist", *gone)


def _warn_of_lost_variables(every: list[Json], lost: Collection[str], report: Report) -> None:
    for variable in sorted(lost):
        use = re.compile(rf"\${re.escape(variable)}\b|\$\{{{re.escape(variable)}[:.}}]")
        using = [title_of(panel) for panel in every if use.search(json.dumps(panel.get("targets")))]
        if using:
            report.warnings.append(f"the variable {variable} is left out, but used in {named(using)}: correct that")


def _description(raw: Json) -> str:
    number = raw.get("gnetId")
    origin = f" from grafana.com/grafana/dashboards/{number}" if number else ""
    managed = (
        f"Imported{origin} {MANAGED}: changes belong in the repository's dashboards/imported/ folder; the"
        " next `pulumi up` undoes changes made here by hand. Use “Save as” for a copy of your own."
    )
    before = str(raw.get("description") or "")
    if MANAGED in before:  # it was imported before
        return before
    return f"{before}\n\n{managed}" if before else managed


def checked_name(name: str) -> str:
    """The name, if it is valid as a file name and a uid. Raises ImportingError."""
    if not NAME.fullmatch(name):
        raise ImportingError(
            f"{name!r} is not a valid name: write NAME= with up to 40 lowercase letters, digits and dashes"
        )
    if name in OWN_UIDS:
        raise ImportingError(f"{name} is one of this project's own dashboards: write another NAME=")
    return name


def _name_of(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    if not found:
        raise ImportingError(f"no name can be derived from the title “{title[:60]}”: write NAME=")
    return f"{found}-imported"[:40].strip("-") if found in OWN_UIDS else found
