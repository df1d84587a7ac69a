"""Graphs with a line per host, for the rows of "Linux hosts"."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import looks
from dashboards.looks import Limits
from dashboards.panels import in_colours, lines, mirrored
from dashboards.queries import BY_HOST, SHOWN, STEP, InfluxQuery, influx, select, together, totals_by_host

MINUTELY = "One value per minute; the host's own page shows each disk and card, in finer steps."
NO_TOTALS = "No agent has sent totals in this time: `pulumi up` updates agents"
"""Shown for agents that an older version of this program installed."""


def lines_by_host(
    uid: str,
    title: str,
    description: str,
    unit: str,
    *queries: InfluxQuery,
    limits: Limits | None = None,
    full: float | None = None,
    width: int = 12,
    from_zero: bool = True,
) -> timeseries.Panel:
    """A line per host; a click on one selects that host."""
    return lines(
        title,
        description,
        unit,
        influx(uid, *queries),
        limits=limits,
        full=full,
        width=width,
        links=[looks.one_host("__field.labels.host")],
        from_zero=from_zero,
    )


HIGHEST, TENTH, MIDDLE = "highest", "a tenth is above", "the middle one"
BAND_COLOURS = {HIGHEST: looks.VERMILION, TENTH: looks.SKY, MIDDLE: looks.BLUE}


def band(
    uid: str,
    title: str,
    of: str,
    value: str,
    measurement: str,
    *,
    highest: str,
    where: str = "",
    each: tuple[str, ...] = (BY_HOST,),
    limits: Limits,
) -> timeseries.Panel:
    """Many hosts in three lines: of all their percentages per step, the highest, the 90th percentile and the median.

    of: whose values these are. value: an aggregate expression for one of them; highest: for all at once. each: what
    distinguishes them, for GROUP BY.

    A percentile sorts. Sorting one value per step and host takes a third of the CPU of sorting all values of 30 days,
    although InfluxDB evaluates the inner query for each of the two lines.
    """
    inside = select(f'{value} AS "value"', measurement, SHOWN, where, group=(STEP, *each))
    lines_of_all = {TENTH: 'percentile("value", 90)', MIDDLE: 'median("value")'}
    panel = lines(
        title,
        f"The mean of each of the {of} per step: half are in or above the band, a tenth above it; the highest is a"
        " single value. A wide band means that some are fuller or busier than most; one that rises as a whole, that all"
        " are.",
        units.Percent,
        influx(
            uid,
            together({HIGHEST: highest}, measurement, where=where),
            *[
                InfluxQuery(select(f'{line} AS "{name}"', inside, "$timeFilter", group=(STEP,)), "$col")
                for name, line in lines_of_all.items()
            ],
        ),
        limits=limits,
        full=100,
        width=24,
        height=7,
    )
    filled = [DynamicConfigValue("custom.fillBelowTo", MIDDLE), DynamicConfigValue("custom.fillOpacity", 25)]
    return in_colours(panel, BAND_COLOURS).override_by_name(TENTH, filled)


def both_ways(
    uid: str, title: str, description: str, unit: str, *, width: int = 12, **counters: str
) -> timeseries.Panel:
    """Two of a host's totals (name -> field), the first drawn above the line and the second mirrored below it."""
    query = totals_by_host(counters)
    text = f"{description} {MINUTELY}"
    panel = lines_by_host(uid, title, text, unit, query, width=width, from_zero=False)
    return mirrored(panel, list(counters)[1]).no_value(NO_TOTALS)
