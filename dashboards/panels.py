"""Panels with the project's defaults; a dashboard's module only says what is specific to it.

Heights and widths are in Grafana's grid: 24 columns, rows of 30 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphGradientMode,
    GraphTransform,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue

from dashboards.looks import ABSENT, Limits, always, by_name, by_threshold, no_limits, when_absent

JOIN_GAPS_BELOW = 180_000
"""Milliseconds: shorter gaps are connected (agents can report less often than the step), longer ones remain gaps."""

POINTS = 300
"""The most steps of a panel with InfluxDB data. Over 18 hours that makes five minutes each (@grafana/data rounds 216 s
to 300), so that any longer time can be read from steps of five minutes (LONGER in userdata/server/rollup.py)."""

HALF = 12
"""Grid columns: a narrower panel has no room for a legend on the right."""


@dataclass(frozen=True)
class Data:
    """What a panel shows: a datasource and its queries, with their letters."""

    datasource: DataSourceRef
    queries: list[Builder[Dataquery]]


def lines(
    title: str,
    description: str,
    unit: str,
    data: Data,
    *,
    width: int = 12,
    height: int = 8,
    limits: Limits | None = None,
    full: float | None = None,
    links: Sequence[DashboardLink] = (),
    step: str = "$interval",
    join_gaps_below: int = JOIN_GAPS_BELOW,
    from_zero: bool = True,
) -> timeseries.Panel:
    """A time series panel: thin lines, with a table of newest and highest values.

    limits: drawn as dashed lines; the values keep their series' colours.
    full: the value that means "full" (100 for percent), the axis' upper end.
    links: opened by a click on a series.
    step: the finest step (Grafana's minimum interval).
    join_gaps_below: milliseconds; a series without values for longer shows a gap.
    from_zero: whether the axis starts at zero; off if values are mirrored below it.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(data.datasource)
        .span(width)
        .height(height)
        .interval(step)
        .unit(unit)
        .color_scheme(by_name())
        .thresholds(limits.drawn() if limits else no_limits())
        .thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(
                GraphTresholdsStyleMode.DASHED if limits else GraphTresholdsStyleMode.OFF
            )
        )
        .line_width(1)
        .fill_opacity(0)
        .gradient_mode(GraphGradientMode.NONE)
        .show_points(VisibilityMode.AUTO)
        .span_nulls(join_gaps_below)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.RIGHT if width >= HALF else LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
            .sort_by("Last *")
            .sort_desc(True)
        )
        .tooltip(common_builders.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if data.datasource.type_val == "influxdb":
        panel = panel.max_data_points(POINTS)
    if from_zero:
        panel = panel.min(0)
    if full is not None:
        panel = panel.max(full)
    elif limits and limits.act <= 1:
        # A line that stays at zero would get an axis to 100, with the limits at the bottom.
        panel = panel.axis_soft_max(max(limits.watch, limits.act))
    if links:
        panel = panel.data_links(list(links))
    return panel.targets(data.queries)


def stacked(
    title: str,
    description: str,
    unit: str,
    data: Data,
    colours: Mapping[str, str],
    *,
    width: int = 12,
    full: float | None = None,
) -> timeseries.Panel:
    """A stacked time series panel: parts of a whole. colours: of each series, by name."""
    return in_colours(
        lines(title, description, unit, data, width=width, full=full)
        .fill_opacity(40)
        .stacking(common_builders.StackingConfig().mode(StackingMode.NORMAL).group("A")),
        colours,
    )


def in_colours(panel: timeseries.Panel, colours: Mapping[str, str]) -> timeseries.Panel:
    """The panel with a fixed colour for each series, by name."""
    for name, colour in colours.items():
        panel = panel.override_by_name(name, [always(colour)])
    return panel


def mirrored(panel: timeseries.Panel, name: str) -> timeseries.Panel:
    """The panel with the series whose names end with this word mirrored below the line."""
    below = DynamicConfigValue("custom.transform", GraphTransform.NEGATIVE_Y)
    return panel.override_by_regexp(f"/ {name}$/", [below])


def number(
    title: str,
    description: str,
    unit: str,
    data: Data,
    *,
    width: int = 4,
    height: int = 4,
    limits: Limits | None = None,
    decimals: float | None = 0,
    if_absent: str = "unknown",
    absent: str = ABSENT,
) -> stat.Panel:
    """A big number: the newest value, coloured by the limits.

    decimals: None for as many as the value needs.
    if_absent: shown if there is no value, in the colour `absent`; “0” is treated as a value.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(data.datasource)
        .span(width)
        .height(height)
        .unit(unit)
        .no_value(if_absent)
        .color_scheme(by_threshold())
        .thresholds(limits.thresholds() if limits else no_limits())
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .targets(data.queries)
    )
    if if_absent != "0":
        panel = panel.mappings([when_absent(if_absent, absent)])
    return panel if decimals is None else panel.decimals(decimals)


def worst_one(
    title: str,
    description: str,
    unit: str,
    data: Data,
    *,
    limits: Limits,
    links: Sequence[DashboardLink],
    width: int = 4,
    height: int = 4,
    decimals: float = 0,
) -> stat.Panel:
    """A big number with a name below it: the value and the text column of a table's first row.

    links: opened by a click on it.
    """
    return (
        number(title, description, unit, data, width=width, height=height, limits=limits, decimals=decimals)
        .data_links(list(links))
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common_builders.ReduceDataOptions().values(True).limit(1).calcs([]))
    )
