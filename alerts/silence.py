"""Which hosts are silent, and which measure something: for every remembered host in one query.

InfluxQL cannot join, but it reads several subqueries as one source: `last(…) * 0` is a 0 for every remembered host, and
another adds 1 for each that has a recent point. So a silent host has the sum 0; an empty GROUP BY would leave it out.

`last` reads only one block per series, but in every shard (a day) within the query's time range, so its cost grows with
hosts and days (docs/scale.md). Queries therefore go back `forgetAfter` only where that is needed, and hours elsewhere.

`now()` is InfluxDB's clock; `$timeFilter` ends at the time of the evaluation, so points in the future do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.facts import Facts
from alerts.model import Query
from alerts.steps import NOW, influxql
from dashboards.queries import BY_HOST, select

PERSISTENT = "\"ephemeral\"::tag != 'true'"
EPHEMERAL = "\"ephemeral\"::tag = 'true'"
"""Machines that come and go: their agents have the tag `ephemeral: "true"`."""
CAUSE = {"cause": "silence"}
"""The label that groups alerts with one cause into one message."""


def alive(facts: Facts, ref_id: str) -> Query:
    """For each remembered host, a number that is 0 if it is silent. Ephemeral hosts never are."""
    return summed(
        facts,
        ref_id,
        last("uptime", "system", value=0),
        last("uptime", "system", within(facts.silence), value=1),
        last("uptime", "system", EPHEMERAL, value=1),
        span=facts.forget,
    )


def measured(facts: Facts, ref_id: str, field: str, measurement: str, *conditions: str) -> Query:
    """For each host that recently had the measurement, a number that is 0 if it no longer does."""
    return summed(
        facts,
        ref_id,
        last(field, measurement, *conditions, value=0),
        last(field, measurement, within(facts.silence), *conditions, value=1),
        span=facts.lately,
    )


def remembered(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """The number of remembered hosts."""
    return _counted(facts, ref_id, facts.forget, *conditions)


def reporting(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """The number of hosts that have reported within `silentAfter`. No data if not even the server has."""
    return _counted(facts, ref_id, facts.silence, *conditions)


def _counted(facts: Facts, ref_id: str, span: int, *conditions: str) -> Query:
    """The server itself adds 0, so that there is a number even if no other host has a point."""
    own = f"\"host\"::tag = '{facts.server}'"
    hosts = last("uptime", "system", *conditions, value=1)
    return summed(facts, ref_id, hosts, last("uptime", "system", own, value=0), span=span, group=())


def last(field: str, measurement: str, *conditions: str, value: int | None, group: Sequence[str] = (BY_HOST,)) -> str:
    """A query that returns `value` for each group that has a point; None: the newest point's own value."""
    what = f'last("{field}")' if value is None else f'last("{field}") * 0 + {value}'
    return select(f'{what} AS "value"', measurement, NOW, *conditions, group=group)


def within(seconds: int) -> str:
    """The condition that a point is from the last seconds."""
    return f"time > now() - {seconds}s"


def summed(facts: Facts, ref_id: str, *sources: str, span: int, group: Sequence[str] = (BY_HOST,)) -> Query:
    """The sum of several queries' values, one number per group.

    The outer query also has the time range: InfluxDB opens the shards in the outer query's time range, and all of them
    if it has none (coordinator/shard_mapper.go, mapShards)."""
    together = ", ".join(f"({source})" for source in sources)
    by = f" GROUP BY {', '.join(group)}" if group else ""
    text = f'SELECT sum("value") FROM {together} WHERE {NOW}{by}'  # noqa: S608 - constants
    return influxql(facts, text, span, ref_id)
