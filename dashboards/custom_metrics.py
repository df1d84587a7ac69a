"""The dashboard "Custom metrics": a panel for each CloudWatch metric of the setting `customMetrics`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from grafana_foundation_sdk.builders import timeseries

from dashboards.cloudwatch import JOIN_GAPS_BELOW, PERIOD, REFRESH, REGION, cloudwatch, metric_query
from dashboards.cloudwatch_variables import period_variable, region_variable
from dashboards.page import Row, host_variable, page
from dashboards.panels import Data, lines
from dashboards.registry import CUSTOM_METRICS
from settings.metrics import CustomMetric
from settings.values import seconds


def build(
    metrics: Sequence[CustomMetric],
    datasource_uid: str = "cloudwatch",
    region: str = "eu-central-1",
    influxdb_uid: str = "influxdb",
) -> str:
    """The dashboard's JSON: a row per namespace, in the order in which the metrics are listed.

    datasource_uid: the CloudWatch datasource. region: the AWS region that is selected at first. influxdb_uid: the
    InfluxDB datasource, for the host names that links to other dashboards keep.
    """
    order = list(dict.fromkeys(metric.namespace for metric in metrics))
    listed = sorted(metrics, key=lambda metric: order.index(metric.namespace))
    return page(
        CUSTOM_METRICS,
        "CloudWatch metrics of your choice, listed in the setting `customMetrics`. Region and period"
        " are those chosen here, unless a metric has its own.",
        [region_variable(datasource_uid, region), period_variable(), host_variable(influxdb_uid, hidden=True)],
        [_row(datasource_uid, namespace, list(group)) for namespace, group in groupby(listed, lambda m: m.namespace)],
        folded=False,  # metrics that someone chose are meant to be seen
        refresh=REFRESH,
    )


def _row(uid: str, namespace: str, metrics: Sequence[CustomMetric]) -> Row:
    """Two panels per line; the last one of an odd number has its own line."""
    last = len(metrics) - 1
    return Row(
        namespace,
        [_panel(uid, metric, 24 if index == last and index % 2 == 0 else 12) for index, metric in enumerate(metrics)],
    )


def _panel(uid: str, metric: CustomMetric, width: int) -> timeseries.Panel:
    period = str(int(seconds(metric.period))) if metric.period else PERIOD
    query = metric_query(
        uid,
        "A",
        metric.namespace,
        metric.metric,
        metric.dimensions,
        statistic=metric.statistic,
        label=_label(metric),
        period=period,
        region=metric.region or REGION,
    )
    return lines(
        metric.shown_title,
        _description(metric),
        metric.unit,
        Data(cloudwatch(uid), [query]),
        width=width,
        step="1s" if metric.period and seconds(metric.period) < 60 else "1m",
        join_gaps_below=JOIN_GAPS_BELOW,
        from_zero=False,
    ).axis_soft_min(0)


def _label(metric: CustomMetric) -> str:
    """What distinguishes a panel's series: the dimensions with several values; otherwise the metric's name."""
    several = [name for name, values in metric.dimensions.items() if len(values) > 1 or "*" in values]
    return " ".join(f"${{PROP('Dim.{name}')}}" for name in several) or "${PROP('MetricName')}"


def _description(metric: CustomMetric) -> str:
    each = metric.period or "${period:text}"
    place = f" in {metric.region}" if metric.region else ""
    lines_of = [f"{metric.statistic} of each {each} of {metric.metric} ({metric.namespace}){place}."]
    for name, values in metric.dimensions.items():
        lines_of.append(f"{name}: {'any' if '*' in values else ', '.join(values)}")
    return "\n\n".join(lines_of)
