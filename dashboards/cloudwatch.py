"""CloudWatch queries of panels and variables.

Only queries of Grafana's query builder, one per metric. For several instances Grafana writes a search expression, which
CloudWatch refuses from 2,048 characters (78 IDs), so "All" is `*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders.cloudwatch import CloudWatchMetricsQuery
from grafana_foundation_sdk.models.cloudwatch import CloudWatchQueryMode, MetricEditorMode, MetricQueryType
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.panels import Data

EC2 = "AWS/EC2"
REGION = "$region"
CHOSEN_STATISTIC = "$statistic"
PERIOD = "$period"
INSTANCE = "${PROP('Dim.InstanceId')}"
"""CloudWatch's expression for the instance that a series belongs to."""

REFRESH = "5m"
"""How often CloudWatch dashboards refresh: basic monitoring has nothing new sooner, and each request costs money."""

JOIN_GAPS_BELOW = 900_000
"""Milliseconds: CloudWatch's five-minute points are joined even if one is late; a quarter of an hour is a gap."""


@dataclass(frozen=True)
class Metric:
    """One metric of every chosen instance.

    name: the metric's name, or a variable.
    statistic: `Sum` for what is counted (bytes, requests), the chosen one for what is measured.
    label: the text after the instance's id in the legend.
    """

    name: str
    statistic: str = CHOSEN_STATISTIC
    label: str = ""


@dataclass(frozen=True)
class VariableQuery:
    """The query of a variable's values, in the form of Grafana's CloudWatch datasource (its type `VariableQuery`).

    query_type: `regions`, `metrics`, `ec2InstanceAttributes`…
    attribute: for instance attributes: `InstanceId`, `Tags.Name`…
    filters: for instance attributes: EC2's filters, with variables in names and values.
    """

    query_type: str
    namespace: str = ""
    attribute: str = ""
    filters: dict[str, list[str]] = field(default_factory=dict)

    def as_query(self) -> dict[str, object]:
        """The query as JSON data of the variable; Grafana's editor expects every key."""
        return {
            "refId": "CloudWatchVariableQueryEditor-VariableQuery",
            "queryType": self.query_type,
            "region": REGION,
            "namespace": self.namespace,
            "metricName": "",
            "dimensionKey": "",
            "instanceID": "",
            "attributeName": self.attribute,
            "ec2Filters": self.filters,
            "resourceType": "",
        }


def cloudwatch(uid: str) -> DataSourceRef:
    """The reference to the CloudWatch datasource with this uid."""
    return DataSourceRef(type_val="cloudwatch", uid=uid)


def metric_query(
    uid: str,
    letter: str,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str | Sequence[str]],
    *,
    statistic: str,
    label: str,
    period: str = PERIOD,
    region: str = REGION,
) -> CloudWatchMetricsQuery:
    """A query of one metric with exactly these dimensions; several values, or `*`, make one series each.

    dimensions: a variable must be the only value: Grafana replaces none in a list (CloudWatchRequest.ts,
    convertDimensionFormat). period: seconds, or a variable. label: CloudWatch replaces `${PROP('…')}` in it.
    """
    return (
        CloudWatchMetricsQuery()
        .ref_id(letter)
        .datasource(cloudwatch(uid))
        .query_mode(CloudWatchQueryMode.METRICS)
        .metric_query_type(MetricQueryType.SEARCH)
        .metric_editor_mode(MetricEditorMode.BUILDER)
        .id("")
        .expression("")
        .region(region)
        .namespace(namespace)
        .metric_name(metric)
        .dimensions({name: each if isinstance(each, str) else list(each) for name, each in dimensions.items()})
        .match_exact(True)
        .statistic(statistic)
        .period(period)
        .label(label)
    )


def of_instances(uid: str, *metrics: Metric) -> Data:
    """The data of one panel: metrics of the selected instances, one value per selected period."""
    return Data(
        cloudwatch(uid),
        [
            metric_query(
                uid,
                chr(ord("A") + index),
                EC2,
                metric.name,
                {"InstanceId": "$instance"},
                statistic=metric.statistic,
                label=f"{INSTANCE} {metric.label}".rstrip(),
            )
            for index, metric in enumerate(metrics)
        ],
    )
