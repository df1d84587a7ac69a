"""The table "Needs attention" of "Linux hosts": hosts in trouble, the worst first across all signals.

Each signal is a query that returns only the hosts beyond its limit, with a value and a severity: 1 if a value deserves
a look, 2 if someone must act, so that a full disk and a busy CPU can be compared. Grafana joins them by host, takes the
highest severity, sorts by it and drops hosts without any. A second query per signal returns since when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    ValueMap,
    ValueMappingResult,
)

from dashboards import looks, tables
from dashboards.lists import rows_of
from dashboards.looks import Limits
from dashboards.queries import (
    BY_HOST,
    HOST,
    LATELY,
    PEAK,
    REAL_FILE_SYSTEMS,
    REMEMBERED,
    SHOWN,
    SILENT_AFTER,
    STEP,
    TOTAL_CPU,
    InfluxQuery,
    influx,
    select,
)

SINCE_STEP = "1m"
"""The resolution of "since": ten seconds, the datasource's own step, would take twice the CPU."""
SILENT = 100
"""The severity of a silent host: above all others, because nothing else is known about it."""


@dataclass(frozen=True)
class Signal:
    """Something that can be wrong. value: an aggregate expression over a host's last minutes, or over a step of the
    past.

    field, each: a field of a single point and the value (by default that field), if "since" needs no aggregate.
    """

    title: str
    value: str
    measurement: str
    limits: Limits
    unit: str
    where: str = ""
    field: str = ""
    each: str = ""

    @property
    def now(self) -> str:
        """The hosts beyond the limit, with value and severity."""
        newest = select(f'{self.value} AS "value"', self.measurement, HOST, LATELY, self.where, group=(BY_HOST,))
        watch, act = float(self.limits.watch), float(self.limits.act)
        # Percentages are bounded; the severity of other values approaches 3, so that it never hides a full disk.
        severity = f'("value" - {watch}) / {act - watch} + 1' if self.unit == units.Percent else f'3 - {act} / "value"'
        columns = f'"value" AS "{self.title}", {severity} AS "{self.title} severity"'
        return select(columns, newest, LATELY, f'"value" >= {watch}', group=(BY_HOST,))

    @property
    def since(self) -> str:
        """When each host was first beyond the limit in the time shown.

        Without an aggregate, InfluxDB compares points as it reads them, for a fifth of the CPU.

        A step has the time of its beginning, and the first one begins before the time shown: without the wider range,
        `first` would return that step, and the outer condition would then drop it.
        """
        limit = float(self.limits.watch)
        if self.field:
            each = self.each or f'"{self.field}"'
            beyond = f"{each} >= {limit}"
            return select(
                f'first("{self.field}") AS "value"', self.measurement, SHOWN, self.where, beyond, group=(BY_HOST,)
            )
        steps = select(f'{self.value} AS "value"', self.measurement, SHOWN, self.where, group=(STEP, BY_HOST))
        beyond = f'"value" >= {limit}'
        shown = "time >= ${__from}ms - $__interval AND time <= ${__to}ms"
        return select('first("value") AS "value"', steps, shown, beyond, group=(BY_HOST,))


USED = f"used_percent{PEAK}"
SIGNALS = (
    # Only of steps: a busy second is no trouble.
    Signal("CPU", '100 - mean("usage_idle")', "cpu", looks.CPU, units.Percent, TOTAL_CPU),
    Signal("Memory", 'mean("used_percent")', "mem", looks.MEMORY, units.Percent, field=USED),
    Signal("File system", 'max("used_percent")', "disk", looks.DISK, units.Percent, REAL_FILE_SYSTEMS, field=USED),
    Signal(
        "Load per CPU",
        'mean("load5") / mean("n_cpus")',
        "system",
        looks.LOAD,
        units.Short,
        field="load5",
        each='"load5" / "n_cpus"',
    ),
    Signal("Disk errors", 'max("errors")', "ext4", looks.ERRORS, units.Short, field=f"errors{PEAK}"),
)


def panel(uid: str) -> table.Panel:
    """The table, for the InfluxDB datasource with this uid."""
    shown = (
        rows_of(
            "Needs attention",
            f"Hosts that have been silent for more than {SILENT_AFTER} or whose newest values are beyond a"
            " limit, worst first; orange deserves a look, red needs action. “Since” is when the trouble began within"
            " the time shown, or when the host was last heard from. Click a host to see only that host.",
            units.Percent,
            influx(uid, *(InfluxQuery(text, table=True) for text in _texts())),
            _joined(),
            height=9,
        )
        .interval(SINCE_STEP)
        .no_value("No host needs attention")
        .override_by_name("Host", looks.host_column())
        .override_by_name("State", [looks.unit(units.Short), *looks.worded([_silent(), _reporting()]), looks.width(90)])
        .override_by_name("Since", [looks.unit(units.DateTimeFromNow), looks.at_least(130)])
    )
    for signal in SIGNALS:
        shown = shown.override_by_name(
            signal.title, [looks.unit(signal.unit), *looks.marked(signal.limits), looks.at_least(90)]
        )
    return shown


EVER = f"time > now() - {REMEMBERED}"
"""Whatever the time range; includes points in the future, so that a host whose clock is ahead is listed."""
KNOWN = select('last("uptime") AS "known"', "system", HOST, EVER, group=(BY_HOST,))


def newest_of_each_host(tags: Sequence[str]) -> str:
    """A query for every remembered host: when it was last heard from, and its `uptime` and tags then."""
    columns = ", ".join(['last("uptime") AS "uptime"', *(f'"{tag}"::tag' for tag in tags)])
    return select(columns, "system", HOST, EVER, group=(BY_HOST,))


def states() -> str:
    """A query for all hosts: 0 if they report, SILENT if they do not."""
    lately = select('last("uptime") AS "up"', "system", HOST, LATELY, group=(BY_HOST,))
    return (
        f'SELECT (count("known") - count("up")) * {SILENT} AS "State" FROM ({KNOWN}), ({lately})'  # noqa: S608 - constants
        f" WHERE {EVER} GROUP BY {BY_HOST} fill(0)"
    )


def _texts() -> Iterator[str]:
    """The queries: all hosts with their state, when each last reported, the signals, and since when."""
    yield states()
    yield KNOWN
    yield from (signal.now for signal in SIGNALS)
    yield from (signal.since for signal in SIGNALS)


def _joined() -> Sequence[DataTransformerConfig]:
    letters = [chr(ord("A") + index) for index in range(2 + 2 * len(SIGNALS))]
    values = letters[2 : 2 + len(SIGNALS)]
    times = [letters[1], *letters[2 + len(SIGNALS) :]]
    severities = [f"{signal.title} severity" for signal in SIGNALS]
    since = [f"since {letter}" for letter in times]
    shown = ["host", "State", *(signal.title for signal in SIGNALS), "Since"]
    return [
        tables.columns("|".join(["A", *values]), rename={}, drop=["Time"]),
        *(
            tables.columns(letter, rename={"Time": name}, drop=["known", "value"])
            for letter, name in zip(times, since, strict=True)
        ),
        tables.join("host"),
        tables.reduced("max", ["State", *severities], "Severity"),
        tables.reduced("min", since, "Since"),
        tables.only_above("Severity", 0.5),
        tables.ordered_by("Severity", falling=True),
        tables.arrange(shown, rename={"host": "Host"}, drop=["Severity", *severities, *since]),
    ]


def _silent() -> ValueMap:
    return ValueMap({str(SILENT): ValueMappingResult("silent", looks.BAD, index=0)})


def _reporting() -> ValueMap:
    return ValueMap({"0": ValueMappingResult("up", looks.QUIET, index=1)})
