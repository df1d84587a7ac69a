"""The collapsed row "Top processes" of "Linux host", whose data the setting topProcesses turns on."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from dashboards import looks, tables
from dashboards.lists import rows_of
from dashboards.page import Row
from dashboards.panels import Data
from dashboards.queries import HOST, LATELY, InfluxQuery, influx, select

SHARES = "top_processes"
"""The measurement of userdata/shared/processes.sh: names are fields, so that there is only one series per rank."""
VALUES = 500
"""How many of the highest values in the time shown are read: each is of one minute and one name."""
NOT_MEASURED = "Not measured: the setting topProcesses turns this on"
TIME_SHOWN = "time >= ${__from}ms AND time <= ${__to}ms"
"""Without SHOWN, which can mean 5-minute steps: those have no names."""


@dataclass(frozen=True)
class Resource:
    """Something that processes use. field: of its value; FIELD_name and FIELD_count: the processes' name and number."""

    title: str
    column: str
    field: str
    unit: str
    text: str


RESOURCES = (
    Resource(
        "CPU", "CPU", "cpu", units.Percent, "Percent of one processor, all processes with the same name combined."
    ),
    Resource(
        "memory",
        "Memory",
        "memory",
        units.BytesIEC,
        "Private memory of all processes with the same name, without what they share (page cache, shared memory).",
    ),
)


def processes(uid: str) -> Row:
    """The processes that use most now, and those that used most at any time in the range shown."""
    now = [_now(uid, resource) for resource in RESOURCES]
    return Row("Top processes", [*now, *[_highest(uid, resource) for resource in RESOURCES]])


def _now(uid: str, resource: Resource) -> table.Panel:
    text = select(_columns(resource, "last({})"), SHARES, HOST, LATELY, group=('"rank"',))
    shaped = tables.columns(
        "A", rename=_titles(resource, "{}"), drop=["Time", "rank"], order=["name", "count", "value"]
    )
    title, description = f"Most {resource.title} now", f"{resource.text} Of the last minute."
    return _table(title, description, resource, influx(uid, InfluxQuery(text, table=True)), [shaped])


def _highest(uid: str, resource: Resource) -> table.Panel:
    text = select(_columns(resource, f"top({{}}, {VALUES})"), SHARES, HOST, TIME_SHOWN)
    shaped = tables.arrange(["name", "count (max)", "value (max)"], rename=_titles(resource, "{} (max)"))
    return _table(
        f"Most {resource.title} in the time shown",
        f"{resource.text} The highest minute of each name, among the {VALUES} highest.",
        resource,
        influx(uid, InfluxQuery(text, table=True)),
        [tables.highest_by("name", ["count", "value"]), shaped],
    )


def _columns(resource: Resource, selector: str) -> str:
    value = selector.format(f'"{resource.field}"')
    return f'{value} AS "value", "{resource.field}_name" AS "name", "{resource.field}_count" AS "count"'


def _titles(resource: Resource, column: str) -> dict[str, str]:
    return {"name": "Name", column.format("count"): "Processes", column.format("value"): resource.column}


def _table(
    title: str, description: str, resource: Resource, data: Data, shaped: list[DataTransformerConfig]
) -> table.Panel:
    return (
        rows_of(title, description, resource.unit, data, shaped, width=12)
        .no_value(NOT_MEASURED)
        .sort_by([tables.sorted_by(resource.column, falling=True)])
        .override_by_name("Processes", [looks.unit(units.Short), looks.whole(), looks.width(100)])
    )
