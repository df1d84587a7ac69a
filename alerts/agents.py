"""Telegraf on each host: do its inputs work, and do its values arrive?

No-data and error states: a host that sends nothing is "Host silent" (OK). A failing query leaves the alert unchanged
(KeepLast).
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Query, Rule
from alerts.steps import NOW, above, calculated, end_of, influxql, reduced
from dashboards.monitoring_server import TO_INFLUXDB
from dashboards.queries import BY_HOST, select
from settings.values import seconds

SOME_ERRORS = 3
"""Failed or overdue inputs in the window: the one that a restarting service causes does not count."""
CAN_HANG = '"input"::tag !~ /^(cpu|mem|swap|system|kernel|processes|net|diskio|internal)$/'
"""All inputs except those that only read the kernel's memory (/proc, /sys), where nothing can block them."""


def build(facts: Facts) -> Group:
    """The group: an agent's buffer lasts at least a quarter of an hour."""
    return Group("Agents", facts.slow_interval, (_gather_errors(facts), _hangs(facts), _buffer(facts)))


def _gather_errors(facts: Facts) -> Rule:
    return Rule(
        uid="agent-errors",
        title="Telegraf input fails",
        steps=_more(facts, "gather_errors", "internal_agent", group=(BY_HOST,)),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary='Telegraf on {{ $labels.host }} failed {{ printf "%.0f" $values.E.Value }} times to collect an input',
        look_at="`journalctl -u telegraf` on the host names the input: a service that is down, or a permission"
        " that Telegraf lacks. Other inputs carry on.",
        panel=Panel("monitoring-server", "Errors"),
    )


def _hangs(facts: Facts) -> Rule:
    """An input that hangs counts one timeout per interval, and never an error: Telegraf waits for it forever,
    while the others continue (gatherOnce in its agent/agent.go)."""
    return Rule(
        uid="agent-hangs",
        title="Telegraf's input hangs",
        steps=_more(facts, "gather_timeouts", "internal_gather", CAN_HANG, group=(BY_HOST, '"input"')),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary="Telegraf on {{ $labels.host }} is waiting for its input {{ $labels.input }}, which returns nothing,"
        ' or returns too late: {{ printf "%.0f" $values.E.Value }} intervals missed',
        look_at="`journalctl -u telegraf` on the host. `disk` hangs on a network file system whose server is gone"
        " (`df` hangs, too): `umount -l`, then `systemctl restart telegraf`. Or a program or service that it"
        " queries is too slow.",
        panel=Panel("monitoring-server", "Errors"),
    )


def _more(facts: Facts, counter: str, measurement: str, *conditions: str, group: tuple[str, ...]) -> tuple[Query, ...]:
    """Fires when a counter has grown by more than SOME_ERRORS; `$values.E` is by how much.

    A counter that is smaller than before was reset, so its value is what has been counted since. Only the oldest and
    the newest value are read: reading all of them would cost four times as much."""
    newest, oldest = (
        select(f'{end}("{counter}")', measurement, NOW, *conditions, group=group) for end in ("last", "first")
    )
    return (
        influxql(facts, newest, _enough(facts)),
        reduced("last"),
        influxql(facts, oldest, _enough(facts), "C"),
        reduced("last", "C", "D"),
        calculated("$B - $D * ($B >= $D)", "E"),
        above(SOME_ERRORS, "E", "F"),
    )


def _enough(facts: Facts) -> int:
    """How far back errors are counted, in seconds: a few more intervals than SOME_ERRORS."""
    return max(900, round((SOME_ERRORS + 3) * seconds(facts.collection_interval)))


def _buffer(facts: Facts) -> Rule:
    share = 'last("buffer_size") / last("buffer_limit") * 100'
    text = select(share, "internal_write", NOW, TO_INFLUXDB, group=(BY_HOST,))
    limit = facts.thresholds.agent_buffer
    return Rule(
        uid="agent-buffer",
        title="Telegraf's buffer fills up",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(limit, until=end_of(limit)),
        ),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary="Telegraf on {{ $labels.host }} cannot deliver fast enough: its"
        ' buffer is {{ printf "%.0f" $values.B.Value }} % full',
        look_at="A full buffer drops the oldest values. `journalctl -u telegraf` on the host: InfluxDB is"
        " slow, or refuses some measurements.",
        panel=Panel("monitoring-server", "Buffer in use"),
    )
