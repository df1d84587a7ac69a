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
"""How long before the shown time hosts are looked for, a value per step: longer costs more."""
UNROLLED = "1h"
"""How much of the newest time may lack its 5-minute steps: an alert reports it when they are later than that."""
MANY = 1_000_000
"""More than there are steps: a panel's, and those before."""
CENTURY = "5200w"
"""A step that holds any time shown."""

TIME = f"time >= ${{__from}}ms - {LOOKED_BACK_HOURS}h AND time <= ${{__to}}ms AND time < now() - 30s"
"""From some hours before the time shown (to include hosts that are silent throughout) to half a minute ago (points in
transit are not silence)."""


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
    """A query: points per step of the hosts that had a step without any. Steps before a host's first point are left
    out: it was not silent then, just unknown.

    InfluxQL has no HAVING. So the number of a host's empty steps becomes a point at the beginning of the time shown
    (long before it, where that cuts an empty step in two), and is carried on from there to each of its steps.
    Averages, because of integers from several subqueries InfluxDB drops those that the first one does not have (it
    takes a column that is not there for one of decimals).
    """
    steps = _steps()
    since_first = f'"so far" >= {MANY}'
    known = select(f'floor("points" / {MANY}) AS "points"', steps, TIME, since_first, group=(BY_HOST,))
    # By their number: a time of its own would hide from this query what was before it.
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
    """Steps with `points`, MANY for each point and one for the step, and what they add up to so far: MANY for each
    point, and the step's number. In one figure: InfluxDB evaluates a subquery once for each that is asked of it.

    5-minute steps are some minutes late, so the last UNROLLED is of raw data in any case.
    """
    every = (STEP, BY_HOST)
    counted = select('count("uptime") AS "points"', "system", HOST, TIME, group=every, policy=POLICY)
    newest = f"time > now() - {UNROLLED}"
    lately = select('count("uptime") AS "points"', "system", HOST, TIME, newest, group=every)
    each = select(f'sum("points") * {MANY} + 1 AS "points"', f"({counted}), ({lately})", TIME, group=every, fill="0")
    return select('last("points") AS "points", cumulative_sum(last("points")) AS "so far"', each, TIME, group=every)
