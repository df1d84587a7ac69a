"""The InfluxDB data source (InfluxQL only), with the queries that Grafana's backend makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..datasources import DataSource
from ..errors import QueryError
from ..frames import Frame
from ..timerange import TimeRange
from . import answers, client, influxql


class InfluxDB:
    """See `plugins.Plugin`."""

    def check_health(self, source: DataSource) -> str:
        """Count the measurements, with the stored user and password."""
        _check_language(source)
        statement = "SHOW measurements"
        try:
            result = client.run(source, statement)
        except client.UnreachableError as error:
            raise QueryError(f"{error} error performing influxQL query") from None
        except QueryError as error:
            raise QueryError(f"{error} error reading influxDB") from None
        found = sum(len(row.get("values") or []) for row in result.get("series") or [])
        return f"datasource is working. {found} measurements found"

    def query(self, source: DataSource, query: Mapping[str, Any], time_range: TimeRange) -> Sequence[Frame]:
        """Run a raw query, or one made from the editor's fields."""
        _check_language(source)
        statement = influxql.render(query, time_range)
        result = client.run(source, statement, str(query.get("policy") or ""))
        return answers.frames(result, query, statement, time_range)

    def resource(self, source: DataSource, path: str, arguments: Mapping[str, str]) -> Any:
        """There are no resources: InfluxQL variables use /api/ds/query."""
        del source, arguments
        raise QueryError(f"404 page not found: {path}", 404, "plugin")


def _check_language(source: DataSource) -> None:
    language = source.json_data.get("version") or "InfluxQL"
    if language != "InfluxQL":
        raise QueryError(f"this stand-in does not support {language}: set version to InfluxQL", 400, "plugin")
