"""Rules on a host's newest value that do not end because the host does.

A host that dies of its full disk measures nothing any more. Were its alert to end, people would be sent an all-clear.
So the last value counts for as long as the host measures nothing of the kind. What a living host no longer has, an
unmounted file system or one that is writable again, is over at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts import silence
from alerts.facts import Facts
from alerts.model import Query
from alerts.steps import NOW, above, calculated, influxql, reduced
from dashboards.queries import BY_HOST, select


def above_kept(
    facts: Facts,
    field: str,
    measurement: str,
    *conditions: str,
    limit: float,
    until: float | None = None,
    group: Sequence[str] = (BY_HOST,),
) -> tuple[Query, ...]:
    """Fires while the newest `field` is above the limit (0 or more), and until it is below `until`.

    The number for messages is `$values.B`."""
    newest = select(f'last("{field}")', measurement, NOW, *conditions, group=group)
    window = facts.window(max(300, facts.silence))
    return (
        influxql(facts, newest, facts.forget),
        reduced("last"),
        silence.fresh(facts, "C", field, measurement, *conditions, group=group, window=window),
        reduced("sum", "C", "D"),
        silence.alive(facts, "E", field, measurement, window),
        reduced("sum", "E", "F"),
        calculated("$B * ($D > 0 || $F < 1)", "G"),
        above(limit, "G", "H", until=until),
    )
