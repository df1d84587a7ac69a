"""The row "When hosts were silent" of "Linux hosts": a band for each host that had a gap in the time shown."""

from __future__ import annotations

from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DashboardRangeMapOptions, RangeMap, ValueMap, ValueMappingResult

from dashboards import looks
from dashboards.lists import states
from dashboards.page import Row
from dashboards.panels import POINTS
from dashboards.queries import BY_HOST, HOST, POLICY, STEP, InfluxQuery, influx, select

LOOKED_BACK_HOURS = 6
"""How long before the time shown a host's last point can be, at a value per step: longer costs more."""
UNROLLED = "1h"
"""How late 5-minute steps can be: an alert reports it if they are later than that."""
MANY = 1_000_000
"""More than the number of steps in a panel and before it."""
CENTURY = "5200w"
"""A step longer than any time shown."""

TIME = f"time >= ${{__from}}ms - {LOOKED_BACK_HOURS}h AND time <= ${{__to}}ms AND time < now() - 30s"
"""From some hours before the time shown (to include hosts that are silent throughout it) to half a minute ago (points
in transit are not silence)."""


def reporting(uid: str) -> Row:
    """The row, for the InfluxDB datasource with this uid."""
    silent = ValueMap({"0": ValueMappingResult("silent", looks.BAD, index=0)})
    up = RangeMap(DashboardRangeMapOptions(1, None, ValueMappingResult("up", looks.GOOD, index=1)))
    return Row("When hosts were silent", [_bands(uid).mappings([silent, up])])


def _bands(uid: str) -> statetimeline.Panel:
    return (
        states(
            "When hosts reported",
            "Hosts that were silent for a minute or longer (in a wide time range: a step of it). Red: no points."
            f" Blank: not heard from yet. A host that sent nothing in the time shown or in the {LOOKED_BACK_HOURS} h"
            " before it has no band; the table above lists it.",
            units.Short,
            influx(uid, InfluxQuery(_with_gaps(), "$tag_host")),
            step="1m",
            links=[looks.one_host("__field.labels.host")],
        )
        .max_data_points(POINTS)
        .no_value("No host that reported fell silent in the time shown")
    )


def _with_gaps() -> str:
    """A query for the points per step of hosts that had a step without any. Steps before a host's first point are left
    out: it was not silent then, just unknown.

    InfluxQL has no HAVING. So the number of a host's empty steps becomes a point at the beginning of the time shown (or
    long before it, if that cuts an empty step in two), and `fill(previous)` copies it from there to each of its steps.
    Both columns are averages: InfluxDB drops integers from later subqueries that the first one does not have, because
    it treats a missing column as one of decimals.
    """
    steps = _steps()
    since_first = f'"so far" >= {MANY}'
    known = select(f'floor("points" / {MANY}) AS "points"', steps, TIME, since_first, group=(BY_HOST,))
    # By their number: a separate time range would hide earlier steps from this query.
    in_time_shown = f'"so far" % {MANY} * $__interval_ms > {LOOKED_BACK_HOURS * 3_600_000}'
    empty = '"points" = 1'
    beginning = (f"time({CENTURY}, ${{__from}}ms)", BY_HOST)
    gaps = select(
        'count("points") AS "gaps"', steps, TIME, since_first, empty, in_time_shown, group=beginning, fill="none"
    )
    columns = ", ".join(f'mean("{name}") AS "{name}"' for name in ("points", "gaps"))
    both = select(columns, f"({known}), ({gaps})", TIME, group=(STEP, BY_HOST), fill="previous")
    return select('"points"', both, TIME, '"gaps" > 0', '"points" >= 0', group=(BY_HOST,))


def _steps() -> str:
    """A query for steps with `points`, which is MANY for each point and one for the step, and their sum so far: MANY
    for each point, plus the step's number. They are one figure because InfluxDB evaluates a subquery once per column.

    5-minute steps are some minutes late, so the last UNROLLED is always from raw data.
    """
    every = (STEP, BY_HOST)
    counted = select('count("uptime") AS "points"', "system", HOST, TIME, group=every, policy=POLICY)
    newest = f"time > now() - {UNROLLED}"
    lately = select('count("uptime") AS "points"', "system", HOST, TIME, newest, group=every)
    each = select(f'sum("points") * {MANY} + 1 AS "points"', f"({counted}), ({lately})", TIME, group=every, fill="0")
    return select('last("points") AS "points", cumulative_sum(last("points")) AS "so far"', each, TIME, group=every)
