"""The interface of a data source type, and the existing types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .context import Context
from .datasources import DataSource
from .errors import ApiError
from .frames import Frame
from .timerange import TimeRange


class Plugin(Protocol):
    """A data source type. Every method raises QueryError with a message for the user."""

    def check_health(self, source: DataSource) -> str:
        """Query the data source; returns a message if it is healthy."""

    def query(self, source: DataSource, query: Mapping[str, Any], time_range: TimeRange) -> Sequence[Frame]:
        """Run one query of /api/ds/query."""

    def resource(self, source: DataSource, path: str, arguments: Mapping[str, str]) -> Any:
        """Answer /api/datasources/uid/:uid/resources/`path`."""


def plugin(shared: Context, source: DataSource) -> Plugin:
    """The implementation of a data source's type.

    Raises 404 `plugin.notRegistered` if its plugin is not registered (grafana/grafana, pkg/plugins/errors.go).
    """
    if not shared.bundled.registered(source.type):
        raise ApiError.with_id(404, "plugin.notRegistered", "plugin not registered")
    # Imported on first use, as botocore takes a third of a second and only CloudWatch needs it.
    if source.type == "cloudwatch":
        from .cloudwatch import CloudWatch  # noqa: PLC0415

        return CloudWatch()
    from .influxdb import InfluxDB  # noqa: PLC0415

    return InfluxDB()
