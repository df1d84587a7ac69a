"""The CloudWatch data source: metric queries and the lists behind dashboard variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..datasources import DataSource
from ..frames import Frame
from ..timerange import TimeRange
from . import metrics, resources
from .session import Session


class CloudWatch:
    """See `plugins.Plugin`."""

    def check_health(self, source: DataSource) -> str:
        """List one metric with the stored credentials, as Grafana does.

        Grafana also queries the CloudWatch logs API, which the local AWS does not offer to machines; the message says
        so.
        """
        session = Session(source)
        session.call(
            "cloudwatch",
            "list_metrics",
            "CloudWatch metrics query failed",
            Namespace="AWS/Billing",
            MetricName="EstimatedCharges",
        )
        return (
            "1. Successfully queried the CloudWatch metrics API.\n"
            "2. The CloudWatch logs API is not part of this stand-in."
        )

    def query(self, source: DataSource, query: Mapping[str, Any], time_range: TimeRange) -> Sequence[Frame]:
        """Run a metric query."""
        return metrics.run(Session(source, str(query.get("region") or "default")), query, time_range)

    def resource(self, source: DataSource, path: str, arguments: Mapping[str, str]) -> Any:
        """One of the lists regions, namespaces, metrics, dimension-keys, dimension-values, ec2-instance-attribute, …"""
        return resources.answer(source, path, arguments)
