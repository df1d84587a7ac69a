"""A whole dashboard: rows of panels on the grid, as JSON that is identical for identical input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    Panel,
    RowPanel,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.looks import links_from
from dashboards.queries import ALL_HOSTS, ROLLUP, influxdb
from dashboards.registry import Entry

SCHEMA_VERSION = 42
"""The version of Grafana's dashboard schema; older Grafanas ignore what they do not know, newer ones migrate it."""

MANAGED = (
    "Managed by Pulumi: changes belong in the repository's dashboards/ folder; the next `pulumi up`"
    " undoes changes made here by hand. Use “Save as” for a copy of your own."
)

BY_TIME = ("policy", "peak")
"""Variables that depend on the time range. URLs leave them out, because a link can have another time range."""


@dataclass(frozen=True)
class Row:
    """A titled row and its panels, left to right; each line of panels fills the grid's 24 columns."""

    title: str
    panels: Sequence[Builder[Panel]]


def page(
    entry: Entry,
    description: str,
    variables: Sequence[Builder[VariableModel]],
    rows: Sequence[Row],
    further: Sequence[Entry] = (),
    *,
    folded: bool = True,
    refresh: str = "30s",
    annotations: Sequence[Builder[AnnotationQuery]] = (),
) -> str:
    """The dashboard as JSON: read-only, initially one hour, with links to the other dashboards and to `further` ones.

    folded: all rows but the first are collapsed, and Grafana queries their panels only when they are opened. refresh:
    how often Grafana refreshes it. annotations: marks across all graphs.
    """
    dashboard = (
        builders.Dashboard(entry.title)
        .uid(entry.uid)
        .description(f"{description}\n\n{MANAGED}")
        .tags(["monitoring"])
        .readonly()
        .time("now-1h", "now")
        .timezone("browser")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .variables(list(variables))
        .links(links_from(entry.uid, further))
    )
    if annotations:
        dashboard = dashboard.annotations(list(annotations))
    for number, row in enumerate(rows):
        heading = builders.Row(row.title)
        if folded and number > 0:
            dashboard.with_row(_inside(heading.collapsed(True), row.panels))
            continue
        dashboard.with_row(heading)
        for panel in row.panels:
            dashboard.with_panel(panel)
    built = dashboard.build()
    built.schema_version = SCHEMA_VERSION
    _give_ids(built.panels or [], entry)
    return json.dumps(_current(built), indent=2, ensure_ascii=False)


def tag_variables(datasource_uid: str, tags: Sequence[str]) -> list[Builder[VariableModel]]:
    """A list of values for each of these agents' tags, by which the hosts in `host_variable` are filtered.

    All includes hosts without the tag: `.*` matches those, too.
    """
    return [
        builders.QueryVariable(_variable_of(tag))
        .label(tag)
        .description(f"Only hosts whose agents have one of these values as their tag `{tag}`")
        .datasource(influxdb(datasource_uid))
        .query(f'SHOW TAG VALUES FROM "system" WITH KEY = "{tag}"')
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(True, ["All"], ["$__all"]))
        for tag in tags
    ]


def _variable_of(tag: str) -> str:
    """The variable's name, which is neither another variable's nor a pattern of aliases (`$tag_role`)."""
    return f"by_{tag}"


def host_variable(datasource_uid: str, *, hidden: bool = False, tags: Sequence[str] = ()) -> builders.QueryVariable:
    """`host`: hosts that ever reported, initially all.

    hidden: only kept for the links to the other dashboards. tags: those of `tag_variables`, by which the list is
    filtered; "All" then means all that are left. With `::tag`, because InfluxDB would take a name that is also a
    field's for the field, and refuse it.
    """
    chosen = " AND ".join(f'"{tag}"::tag =~ /^${_variable_of(tag)}$/' for tag in tags)
    return (
        builders.QueryVariable("host")
        .label("Host")
        .description("Hosts that report through Telegraf (tag `host`)")
        .datasource(influxdb(datasource_uid))
        .query(f"{ALL_HOSTS} WHERE {chosen}" if tags else ALL_HOSTS)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(True)
        .current(VariableOption(True, ["All"], ["$__all"]))
        .hide(VariableHide.HIDE_VARIABLE if hidden else VariableHide.DONT_HIDE)
    )


def policy_variables(datasource_uid: str) -> list[builders.QueryVariable]:
    """`policy` and `peak`, hidden: the retention policy that queries read, and the suffix of maxima there.

    Grafana takes the result's first text column and inserts the value of a single-value variable unchanged into
    InfluxQL (public/app/plugins/datasource/influxdb/datasource.ts: toMetricFindValue, interpolateQueryExpr); without a
    result the value is empty (@grafana/scenes, MultiValueVariable.ts).
    """
    return [
        builders.QueryVariable(name)
        .datasource(influxdb(datasource_uid))
        .query(ROLLUP.format(field=name))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.DISABLED)
        .current(VariableOption(True, "", ""))
        .hide(VariableHide.HIDE_VARIABLE)
        for name in BY_TIME
    ]


def interval_variable(
    steps: Sequence[str] = ("10s", "30s", "1m", "5m", "15m", "1h", "6h"), chosen: str = "30s"
) -> builders.IntervalVariable:
    """`interval`: the finest step drawn; wide time ranges use wider ones automatically.

    By default not the agents' 10 s: a dashboard's cost to InfluxDB grows with hosts × steps (docs/scale.md).
    """
    return (
        builders.IntervalVariable("interval")
        .label("Finest step")
        .description("Values are grouped by at least this much time; wide time ranges by more")
        .values(",".join(steps))
        .current(VariableOption(True, chosen, chosen))
        .options([VariableOption(step == chosen, step, step) for step in steps])
    )


def _current(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard without fields that Grafana's current schema no longer has, unlike the SDK's."""
    fields: dict[str, Any] = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    del fields["style"]
    for variable in fields["templating"]["list"]:
        for name in ("id", "auto", "auto_min", "auto_count"):
            del variable[name]
        if variable["name"] in BY_TIME:
            variable["skipUrlSync"] = True
    for panel in (each for outer in fields["panels"] for each in (outer, *outer.get("panels", []))):
        if panel["type"] == "table":
            panel["options"].pop("footer", None)
    return fields


def _inside(heading: builders.Row, panels: Sequence[Builder[Panel]]) -> builders.Row:
    """The collapsed row, with its panels inside it instead of below it."""
    for panel in panels:
        heading.with_panel(panel)
    return heading


def _give_ids(panels: Sequence[Panel | RowPanel], entry: Entry) -> None:
    """Give panels the entry's ids, so that links to a panel work wherever it moves; from 1 upwards if it has none.

    Raises KeyError with the title of a panel that has no id yet.
    """
    every = [each for panel in panels for each in (panel, *(panel.panels if isinstance(panel, RowPanel) else ()))]
    for number, panel in enumerate(every, start=1):
        panel.id_val = entry.panels[panel.title or ""] if entry.panels else number
