"""Which hosts are silent, and which of them measure something: for every host that is remembered, however far back that
is, in one query.

InfluxQL cannot join, but it reads several subqueries as one source: `last(…) * 0` is a nothing for every host
remembered, one more for whom has a point of the newest time. What is silent has the sum nought, and is not left out as
an empty GROUP BY would leave it out.

`last` alone reads one block a series, but of every shard (a day) that the query's time reaches into: what it costs
grows with the hosts and with the days (docs/scale.md). So `forgetAfter` is asked for where it is needed, and hours
elsewhere.

`now()` is InfluxDB's clock; `$timeFilter` ends at the moment Grafana evaluates, so points of the future do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.facts import Facts
from alerts.model import Query
from alerts.steps import NOW, influxql
from dashboards.queries import BY_HOST, select

PERSISTENT = "\"ephemeral\" != 'true'"
EPHEMERAL = "\"ephemeral\" = 'true'"
"""The machines that come and go: the agent's tag `ephemeral: "true"`."""
CAUSE = {"cause": "silence"}
"""The label by which what follows from one cause becomes one message."""


def alive(facts: Facts, ref_id: str) -> Query:
    """For each host remembered, a number that is 0 when it is silent. An ephemeral one never is."""
    return summed(
        facts,
        ref_id,
        last("uptime", "system", value=0),
        last("uptime", "system", within(facts.silence), value=1),
        last("uptime", "system", EPHEMERAL, value=1),
        span=facts.forget,
    )


def measured(facts: Facts, ref_id: str, field: str, measurement: str, *conditions: str) -> Query:
    """For each host that had the measurement lately, a number that is 0 when it has it no longer."""
    return summed(
        facts,
        ref_id,
        last(field, measurement, *conditions, value=0),
        last(field, measurement, within(facts.silence), *conditions, value=1),
        span=facts.lately,
    )


def remembered(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """One number: how many hosts are remembered."""
    return _counted(facts, ref_id, facts.forget, *conditions)


def reporting(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """One number: how many hosts have reported within the time of silence. No data when not even the server has."""
    return _counted(facts, ref_id, facts.silence, *conditions)


def _counted(facts: Facts, ref_id: str, span: int, *conditions: str) -> Query:
    """The server itself counts as nothing, so that there is a number when no other host has a point."""
    own = f"\"host\" = '{facts.server}'"
    hosts = last("uptime", "system", *conditions, value=1)
    return summed(facts, ref_id, hosts, last("uptime", "system", own, value=0), span=span, group=())


def last(field: str, measurement: str, *conditions: str, value: int | None, group: Sequence[str] = (BY_HOST,)) -> str:
    """A query: of each group that has a point, this value; None: the newest one's own."""
    what = f'last("{field}")' if value is None else f'last("{field}") * 0 + {value}'
    return select(f'{what} AS "value"', measurement, NOW, *conditions, group=group)


def within(seconds: int) -> str:
    """A condition: of the last seconds."""
    return f"time > now() - {seconds}s"


def summed(facts: Facts, ref_id: str, *sources: str, span: int, group: Sequence[str] = (BY_HOST,)) -> Query:
    """The values of several queries added up, a number a group.

    The time stands outside, too: InfluxDB opens the shards that the outer query asks for, all there are without a time
    (coordinator/shard_mapper.go, mapShards)."""
    together = ", ".join(f"({source})" for source in sources)
    by = f" GROUP BY {', '.join(group)}" if group else ""
    text = f'SELECT sum("value") FROM {together} WHERE {NOW}{by}'  # noqa: S608 - constants
    return influxql(facts, text, span, ref_id)
