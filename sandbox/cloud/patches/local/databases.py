"""Makes an instance of Timestream for InfluxDB an InfluxDB of this environment (sandbox/machines/databases.py)."""

from __future__ import annotations

from typing import Any

from moto.timestreaminfluxdb.exceptions import ValidationException
from moto.timestreaminfluxdb.models import InstanceStatus, TimestreamInfluxDBBackend

from sandbox.cloud import regions
from sandbox.cloud.patches.registry import REGISTRY, patch
from sandbox.cloud.patches.upstream import timestream  # noqa: F401 - its checks of a request come first
from sandbox.toolchain.influxdb import shortfall


@patch(TimestreamInfluxDBBackend, "create_db_instance", source="dcca12af")
def create_db_instance(original: Any, self: Any, **named: Any) -> Any:
    """Record the region for the machines daemon. If InfluxDB 2 cannot be built here, refuse the request."""
    if _has_daemon() and (why := shortfall()):
        raise ValidationException(f"The local AWS cannot run InfluxDB 2: {why}")
    made = original(self, **named)
    regions.record(REGISTRY.place, self.region_name)
    return made


@patch(TimestreamInfluxDBBackend, "get_db_instance", source="2041ba10")
def get_db_instance(original: Any, self: Any, id: str) -> Any:
    """AWS: an instance becomes available once its InfluxDB answers. moto: it never does.

    Without a machines daemon there is nothing to wait for.
    """
    instance = original(self, id)
    if (REGISTRY.place.state / "databases" / id / "available").exists() or not _has_daemon():
        instance.status = InstanceStatus.AVAILABLE
    return instance


def _has_daemon() -> bool:
    """Whether a machines daemon runs, which starts the InfluxDB."""
    return (REGISTRY.place.state / "machines.ready").exists()
