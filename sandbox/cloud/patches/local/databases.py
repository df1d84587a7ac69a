"""An instance of Timestream for InfluxDB is an InfluxDB of this environment (sandbox/machines/databases.py)."""

from __future__ import annotations

from typing import Any

from moto.timestreaminfluxdb.models import InstanceStatus, TimestreamInfluxDBBackend

from sandbox.cloud import regions
from sandbox.cloud.patches.registry import REGISTRY, patch
from sandbox.cloud.patches.upstream import timestream  # noqa: F401 - checks first what is made here


@patch(TimestreamInfluxDBBackend, "create_db_instance", source="dcca12af")
def create_db_instance(original: Any, self: Any, **named: Any) -> Any:
    """Note the region, so that the machines daemon looks there."""
    made = original(self, **named)
    regions.note(REGISTRY.place, self.region_name)
    return made


@patch(TimestreamInfluxDBBackend, "get_db_instance", source="2041ba10")
def get_db_instance(original: Any, self: Any, id: str) -> Any:
    """AWS: an instance is available once its InfluxDB answers. moto: being created for ever.

    Without a machines daemon there is nothing to wait for.
    """
    instance = original(self, id)
    state = REGISTRY.place.state
    if (state / "databases" / id / "available").exists() or not (state / "machines.ready").exists():
        instance.status = InstanceStatus.AVAILABLE
    return instance
