"""Which hosts are silent. One query says it of every host that is remembered, however far back that is.

InfluxQL cannot join, but it reads several subqueries as one source: `last(…) * 0` is a nothing for every host
remembered (`last` reads one block a series), the points of the newest time are added to it. What is silent has the sum
nought, and is not left out as an empty GROUP BY would leave it out.

`now()` is InfluxDB's clock; `$timeFilter` ends at the moment Grafana evaluates, so points of the future do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.facts import Facts
from alerts.model import Query
from alerts.steps import NOW, influxql
from dashboards.queries import BY_HOST, select

PERSISTENT = "\"ephemeral\" != 'true'"
"""Not the machines that come and go: the agent's tag `ephemeral: "true"`."""
CAUSE = {"cause": "silence"}
"""The label by which what follows from one cause becomes one message."""


def fresh(
    facts: Facts,
    ref_id: str,
    field: str,
    measurement: str,
    *conditions: str,
    group: Sequence[str] = (BY_HOST,),
    window: int = 0,
) -> Query:
    """For each group remembered, how many values it has within `window` seconds (the time of silence by default)."""
    sources = _sources(field, measurement, *conditions, group=group, window=window or facts.silence)
    return influxql(facts, _summed(sources, group), facts.forget, ref_id)


def alive(facts: Facts, ref_id: str, field: str = "uptime", measurement: str = "system", window: int = 0) -> Query:
    """For each host remembered, a number that is 0 when it is silent. An ephemeral one never is."""
    sources = _sources(field, measurement, group=(BY_HOST,), window=window or facts.silence)
    ephemeral = select(
        f'last("{field}") * 0 + 1 AS "value"', measurement, NOW, "\"ephemeral\" = 'true'", group=(BY_HOST,)
    )
    return influxql(facts, _summed((*sources, ephemeral), (BY_HOST,)), facts.forget, ref_id)


def reporting(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """One number: how many hosts have reported within the time of silence; 0 when anything at all is remembered."""
    newest = select('count("uptime") AS "value"', "system", NOW, _within(facts.silence), *conditions, group=(BY_HOST,))
    return _counted(facts, ref_id, newest)


def remembered(facts: Facts, ref_id: str, *conditions: str) -> Query:
    """One number: how many hosts are remembered."""
    return _counted(facts, ref_id, select('last("uptime") AS "value"', "system", NOW, *conditions, group=(BY_HOST,)))


def _counted(facts: Facts, ref_id: str, hosts: str) -> Query:
    nothing = select('last("uptime") * 0 AS "value"', "system", NOW)
    return influxql(facts, _summed((select('count("value") AS "value"', hosts), nothing), ()), facts.forget, ref_id)


def _sources(field: str, measurement: str, *conditions: str, group: Sequence[str], window: int) -> tuple[str, str]:
    return (
        select(f'last("{field}") * 0 AS "value"', measurement, NOW, *conditions, group=group),
        select(f'count("{field}") AS "value"', measurement, NOW, _within(window), *conditions, group=group),
    )


def _within(window: int) -> str:
    return f"time > now() - {window}s"


def _summed(sources: Sequence[str], group: Sequence[str]) -> str:
    """The values of several queries added up, a number a group."""
    together = ", ".join(f"({source})" for source in sources)
    by = f" GROUP BY {', '.join(group)}" if group else ""
    return f'SELECT sum("value") FROM {together}{by}'  # noqa: S608 - constants
