"""Panels that list things: tables, alerts, states over time. For units and sizes see panels.py."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import statetimeline, table
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    TimelineValueAlignment,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DataTransformerConfig

from dashboards.looks import by_threshold, no_limits
from dashboards.panels import Data


def rows_of(
    title: str,
    description: str,
    unit: str,
    data: Data,
    transformations: Sequence[DataTransformerConfig],
    *,
    width: int = 24,
    height: int = 8,
) -> table.Panel:
    """A table. unit: of every numeric column that does not have another one."""
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(data.datasource)
        .span(width)
        .height(height)
        .unit(unit)
        .decimals(1)
        .thresholds(no_limits())
        .transformations(list(transformations))
        .show_header(True)
        .targets(data.queries)
    )


def alerts_of(
    title: str, description: str, matcher: str, datasource: DataSourceRef, *, width: int = 12, height: int = 8
) -> builders.Panel:
    """A list of firing and pending alerts with a label. matcher: such as `host="web-1"`.

    The SDK has no builder for this panel; options as in github.com/grafana/grafana,
    public/app/plugins/panel/alertlist/types.ts (UnifiedAlertListOptions). It queries only Grafana; the datasource is
    there because every panel has one.
    """
    shown = {"firing": True, "pending": True, "error": True, "noData": False, "normal": False, "recovering": True}
    return (
        builders.Panel()
        .type("alertlist")
        .title(title)
        .description(description)
        .datasource(datasource)
        .span(width)
        .height(height)
        .unit("short")
        .thresholds(no_limits())
        .options(
            {
                "viewMode": "list",
                "groupMode": "default",
                "groupBy": [],
                "maxItems": 20,
                "sortOrder": 1,
                "dashboardAlerts": False,
                "alertName": "",
                "alertInstanceLabelFilter": f"{{{matcher}}}",
                "stateFilter": shown,
            }
        )
        .targets([])
    )


def states(
    title: str,
    description: str,
    unit: str,
    data: Data,
    *,
    step: str,
    width: int = 24,
    height: int = 10,
    links: Sequence[DashboardLink] = (),
) -> statetimeline.Panel:
    """A state timeline: a band per series, 20 per page, each tall enough for its name; the caller adds the mappings
    from values to states."""
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(data.datasource)
        .span(width)
        .height(height)
        .interval(step)
        .unit(unit)
        .color_scheme(by_threshold())
        .thresholds(no_limits())
        .merge_values(True)
        .show_value(VisibilityMode.NEVER)
        .row_height(0.8)
        .align_value(TimelineValueAlignment.LEFT)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common_builders.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
    )
    if links:
        panel = panel.data_links(list(links))
    return panel.targets(data.queries)
