"""The kinds of panels of "AWS EC2": lines in general, of a level, and of counts."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models.common import GraphTransform
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import looks
from dashboards.cloudwatch import JOIN_GAPS_BELOW, Metric, of_instances
from dashboards.looks import Limits
from dashboards.panels import Data, lines


def drawn(
    title: str,
    description: str,
    unit: str,
    data: Data,
    *,
    limits: Limits | None = None,
    full: float | None = None,
    width: int = 12,
    from_zero: bool = True,
) -> timeseries.Panel:
    """A line per instance; a click on one opens its host's page."""
    return lines(
        title,
        description,
        unit,
        data,
        limits=limits,
        full=full,
        width=width,
        from_zero=from_zero,
        step="1m",
        join_gaps_below=JOIN_GAPS_BELOW,
        links=[looks.host_of_instance()],
    )


def measured(
    uid: str,
    title: str,
    description: str,
    unit: str,
    metric: str,
    *,
    limits: Limits,
    full: float | None = None,
) -> timeseries.Panel:
    """A panel with the chosen statistic of a metric that is a level."""
    return drawn(title, description, unit, of_instances(uid, Metric(metric)), limits=limits, full=full)


def counted(
    uid: str, title: str, description: str, unit: str, *, up: tuple[str, str], down: tuple[str, str]
) -> timeseries.Panel:
    """Two metrics (name, label) that count something: their sum in each period, one mirrored below the line.

    A sum is right for both basic and detailed monitoring; CloudWatch's average is per point, and so would differ by a
    factor of five between the two.
    """
    panel = drawn(
        f"{title} each ${{period:text}}",
        description,
        unit,
        of_instances(uid, *[Metric(name, "Sum", label) for name, label in (up, down)]),
        from_zero=False,
    )
    return panel.override_by_query("B", [DynamicConfigValue("custom.transform", GraphTransform.NEGATIVE_Y)])
