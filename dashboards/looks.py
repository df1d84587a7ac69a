"""Colours, limits and links for every dashboard, so that red means the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    FieldColorModeId,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMapping,
    ValueMappingResult,
)

from dashboards.registry import AWS_EC2, ENTRIES, LINUX_HOST, Entry

GOOD, WATCH, BAD, NEUTRAL, QUIET = "green", "orange", "red", "blue", "text"
"""Colours; QUIET is the normal text colour, for what needs no attention."""

ABSENT = "#808080"
"""Grey: unknown, which is not good."""

BLUE, SKY, AMBER, VERMILION, YELLOW, PINK, GREY = (
    *("#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#F0E442", "#CC79A7", "#999999"),
)
"""Colours that people with any colour blindness can tell apart (Okabe and Ito, jfly.uni-koeln.de/color),
for adjacent parts of a whole; they mean neither good nor bad."""


@dataclass(frozen=True)
class Limits:
    """The values from which a number deserves a look, and from which someone must act. well: the colour otherwise."""

    watch: float
    act: float
    well: str = GOOD

    def thresholds(self) -> builders.ThresholdsConfig:
        """Green (or `well`), orange from `watch`, red from `act`; reversed if low values are bad."""
        low_is_bad = self.act < self.watch
        steps = (
            [Threshold(None, BAD), Threshold(self.act, WATCH), Threshold(self.watch, self.well)]
            if low_is_bad
            else [Threshold(None, self.well), Threshold(self.watch, WATCH), Threshold(self.act, BAD)]
        )
        return builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)

    def drawn(self) -> builders.ThresholdsConfig:
        """The limits as lines: an orange one at `watch`, a red one at `act`, whichever is higher."""
        steps = sorted([Threshold(self.watch, WATCH), Threshold(self.act, BAD)], key=lambda step: step.value or 0)
        return builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, self.well), *steps])


CPU = Limits(80, 95)
"""Percent of CPU use: above 95, work is queueing."""
MEMORY = Limits(85, 95)
"""Percent of memory that cannot be reclaimed: above 95, the kernel will soon kill a process."""
DISK = Limits(80, 90)
"""Percent of a file system in use."""
LOAD = Limits(1, 2)
"""Load per CPU: above 1, processes wait for their turn; above 2, more wait than run."""
STEAL = Limits(5, 20)
"""Percent of time that the hypervisor gave to others: a burstable instance has used up its credits."""
SILENT = Limits(1, 1, QUIET)
"""Known hosts that are silent: even one matters."""
ERRORS = Limits(1, 1, QUIET)
"""Errors counted by a file system: even one matters."""
LOST_PACKETS = "suffix:p/s"
"""Packets per second without prefixes: Grafana's own unit shows one packet in fifteen seconds as “66.7 mp/s”."""
TIME_TO_FULL = Limits(86400, 4 * 3600, QUIET)
"""Seconds until a file system is full: less than a day (the alert's default), less than half a shift."""


def no_limits() -> builders.ThresholdsConfig:
    """One neutral colour: for numbers that are neither good nor bad."""
    return builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, NEUTRAL)])


def by_threshold() -> builders.FieldColor:
    """A colour that depends on how bad the value is."""
    return builders.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def by_name() -> builders.FieldColor:
    """One colour per series, the same for the same name on every panel."""
    return builders.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def always(colour: str) -> DynamicConfigValue:
    """A fixed colour for a series."""
    return DynamicConfigValue("color", builders.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour).build())


def when_absent(text: str, colour: str) -> ValueMapping:
    """Show `text` in `colour` if there is no value."""
    return SpecialValueMap(
        DashboardSpecialValueMapOptions(
            SpecialValueMatch.NULL_AND_NAN, ValueMappingResult(text=text, color=colour, index=2)
        )
    )


def one_host(value: str) -> builders.DashboardLink:
    """A link to the host's page with the same time range. value: Grafana's expression for the host."""
    return builders.DashboardLink("This host's page").url(
        f"{LINUX_HOST.path}?var-host=${{{value}}}&${{interval:queryparam}}&${{__url_time_range}}"
    )


def host_of_instance() -> builders.DashboardLink:
    """A link to the host's page of a series' EC2 instance, if it has an agent (tag `instance_id`)."""
    return builders.DashboardLink("Its host's page").url(
        f"{LINUX_HOST.path}?var-instance_id=${{__field.labels.InstanceId}}&${{__url_time_range}}"
    )


def instance_of_host() -> builders.DashboardLink:
    """A link from a host's page to "AWS EC2" with its instance selected, if it is one (the variable `ec2`)."""
    return builders.DashboardLink("What AWS sees of this instance").url(
        f"{AWS_EC2.path}?var-instance=${{ec2}}&var-host=${{host}}&${{__url_time_range}}"
    )


def links_from(uid: str, further: Sequence[Entry] = ()) -> list[Builder[DashboardLink]]:
    """Links to the other dashboards, which keep the variables (above all the host) and the time range.

    further: other dashboards of this stack.
    """
    return [
        builders.DashboardLink(entry.title)
        .url(entry.path)
        .icon("dashboard")
        .tooltip(f"{entry.title}, with the same host and time range")
        .include_vars(True)
        .keep_time(True)
        for entry in (*ENTRIES, *further)
        if entry.uid != uid
    ]


def host_column() -> list[DynamicConfigValue]:
    """A column of hosts' names, each a link to the host's page."""
    return [DynamicConfigValue("links", [one_host("__value.text").build()]), at_least(120)]


def unit(value: str) -> DynamicConfigValue:
    """A column's unit."""
    return DynamicConfigValue("unit", value)


def width(pixels: int) -> DynamicConfigValue:
    """A column's width."""
    return DynamicConfigValue("custom.width", pixels)


def at_least(pixels: int) -> DynamicConfigValue:
    """A column that shares the available room, but is not narrower than this: with Grafana's own minimum of 150, small
    screens cut off the last columns of a table."""
    return DynamicConfigValue("custom.minWidth", pixels)


def left() -> DynamicConfigValue:
    """A left-aligned column of numbers: a small screen can cut off the right edge of the last column."""
    return DynamicConfigValue("custom.align", "left")


def whole() -> DynamicConfigValue:
    """A column without decimals."""
    return DynamicConfigValue("decimals", 0)


def bar(limits: Limits, full: float) -> list[DynamicConfigValue]:
    """A column of small bars from 0 to `full`, coloured by the limits."""
    return [
        DynamicConfigValue("min", 0),
        DynamicConfigValue("max", full),
        DynamicConfigValue("color", by_threshold().build()),
        DynamicConfigValue("thresholds", limits.thresholds().build()),
        DynamicConfigValue("custom.cellOptions", common.TableBarGaugeCellOptions(common.BarGaugeDisplayMode.BASIC)),
        DynamicConfigValue("mappings", [when_absent("–", ABSENT)]),
    ]


def coloured(limits: Limits) -> list[DynamicConfigValue]:
    """A column whose text is coloured by the limits."""
    return [
        DynamicConfigValue("color", by_threshold().build()),
        DynamicConfigValue("thresholds", limits.thresholds().build()),
        DynamicConfigValue("custom.cellOptions", common.TableColorTextCellOptions()),
    ]


def marked(limits: Limits) -> list[DynamicConfigValue]:
    """Like `coloured`; a dash where there is no value."""
    return [*coloured(limits), DynamicConfigValue("mappings", [when_absent("–", QUIET)])]


def worded(mappings: list[ValueMapping]) -> list[DynamicConfigValue]:
    """A column of words in the mappings' colours."""
    return [
        DynamicConfigValue("mappings", mappings),
        DynamicConfigValue("custom.cellOptions", common.TableColorTextCellOptions()),
    ]


def signal(mappings: list[ValueMapping]) -> list[DynamicConfigValue]:
    """A column whose cells are filled with the mappings' colours."""
    return [
        DynamicConfigValue("mappings", mappings),
        DynamicConfigValue(
            "custom.cellOptions",
            common.TableColoredBackgroundCellOptions(common.TableCellBackgroundDisplayMode.BASIC),
        ),
    ]
