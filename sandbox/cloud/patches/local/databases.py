"""An instance of Timestream for InfluxDB is an InfluxDB of this environment (sandbox/machines/databases.py)."""

from __future__ import annotations

from typing import Any

from moto.timestreaminfluxdb.exceptions import ValidationException
from moto.timestreaminfluxdb.models import InstanceStatus, TimestreamInfluxDBBackend

from sandbox.cloud import regions
from sandbox.cloud.patches.registry import REGISTRY, patch
from sandbox.cloud.patches.upstream import timestream  # noqa: F401 - checks first what is made here
from sandbox.toolchain.influxdb import shortfall


@patch(TimestreamInfluxDBBackend, "create_db_instance", source="dcca12af")
def create_db_instance(original: Any, self: Any, **named: Any) -> Any:
    """Record the region, so that the machines daemon looks there. Where no InfluxDB 2 can be built, the request is
    refused."""
    if _booted() and (why := shortfall()):
        raise ValidationException(f"The local AWS cannot run InfluxDB 2: {why}")
    made = original(self, **named)
    regions.note(REGISTRY.place, self.region_name)
    return made


@patch(TimestreamInfluxDBBackend, "get_db_instance", source="2041ba10")
def get_db_instance(original: Any, self: Any, id: str) -> Any:
    """AWS: an instance is available once its InfluxDB answers. moto: is creating it forever.

    Without a machines daemon there is nothing to wait for.
    """
    instance = original(self, id)
    if (REGISTRY.place.state / "databases" / id / "available").exists() or not _booted():
        instance.status = InstanceStatus.AVAILABLE
    return instance


def _booted() -> bool:
    """Whether there is a machines daemon, which would start it."""
    return (REGISTRY.place.state / "machines.ready").exists()
