"""Rules on a host's newest value that do not resolve because the host died.

A host that dies because its disk is full stops measuring. If its alert resolved, people would get a false all-clear. So
a host without such measurements returns no series, and Grafana keeps its alert (the rule's `missing`). What a living
host no longer has, such as an unmounted or once more writable file system, gets the value 0, and its alert resolves.

A value counts until its alert has fired: a host that dies while the alert is pending is still reported.
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Query
from alerts.silence import EPHEMERAL, last, summed, within
from alerts.steps import above, calculated, reduced
from dashboards.queries import BY_HOST
from settings.values import seconds


def of_host(
    facts: Facts, field: str, measurement: str, *, limit: float, until: float, pending: str, interval: int
) -> tuple[Query, ...]:
    """Fires while a host's newest value is above the limit, and until it is below `until`.

    The number for messages is `$values.B`."""
    window = _window(facts, pending, interval)
    return (
        summed(
            facts,
            "A",
            last(field, measurement, within(window), value=None),
            last(field, measurement, EPHEMERAL, value=0),
            span=facts.lately,
        ),
        reduced("last"),
        above(limit, until=until),
    )


def of_each(
    facts: Facts,
    field: str,
    measurement: str,
    *conditions: str,
    each: str,
    limit: float,
    pending: str,
    interval: int,
    until: float | None = None,
    only: str = "",
) -> tuple[Query, ...]:
    """Fires while the newest value of one of a host's parts is above the limit (0 or more), and until it is below
    `until`.

    conditions: which points count at all. each: the tag that distinguishes a host's parts. only: a condition whose
    field is not compared; if it holds, the value is 1. The number for messages is `$values.B`.

    Grafana joins numbers by their labels, and two single ones regardless of labels: every host in D is also in B."""
    window = _window(facts, pending, interval)
    newest = last(
        field, measurement, within(window), *conditions, only, value=1 if only else None, group=(BY_HOST, each)
    )
    return (
        summed(
            facts,
            "A",
            newest,
            last(field, measurement, *conditions, value=0, group=(BY_HOST, each)),
            span=facts.lately,
            group=(BY_HOST, each),
        ),
        reduced("last"),
        summed(
            facts,
            "C",
            last(field, measurement, within(window), *conditions, value=1),
            last(field, measurement, *conditions, EPHEMERAL, value=1),
            span=facts.lately,
        ),
        reduced("last", "C", "D"),
        calculated("$B * ($D > 0)", "E"),
        above(limit, "E", "F", until=until),
    )


def _window(facts: Facts, pending: str, interval: int) -> int:
    """Seconds for which a value counts."""
    return facts.window(max(300, facts.silence)) + max(round(seconds(pending)), interval)
