"""No setting loses data: a larger volume, another retention, `protect`. docs/durability.md has the promises."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.environment import Environment
from tests.live.points import HOSTS, lost, steady
from tests.live.server import image_and_volume
from tests.live.services import Ask
from tests.live.stacks import up_or_fail

pytestmark = pytest.mark.live

DAY = 24 * 3600


def asked(influxdb: Ask, query: str) -> list[dict[str, Any]]:
    """The rows of InfluxDB's answer to a query of its administrator."""
    answer = influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query, "epoch": "s"}).json()
    (result,) = answer["results"]
    assert "error" not in result, result
    return [
        dict(zip(series["columns"], row, strict=True))
        for series in result.get("series", [])
        for row in series["values"]
        if series.get("name", "telegraf") in ("telegraf", "aged")
    ]


def retention(influxdb: Ask) -> dict[str, str]:
    """How long each retention policy keeps its points."""
    return {str(row["name"]): str(row["duration"]) for row in asked(influxdb, 'SHOW RETENTION POLICIES ON "telegraf"')}


def file_system_size(environment: Environment) -> int:
    """The size of the file system with the data in GiB, rounded."""
    size = environment.guest("df", "--block-size=1", "--output=size", "/srv/monitoring").stdout.split()[-1]
    return round(int(size) / 1024**3)


@pytest.fixture(scope="module")
def began(environment: Environment) -> float:
    """When this file's first change began; nothing was missing until then. Fixtures of a file come before `settled`,
    and an `up` that takes back what an earlier file has set may restart agents."""
    environment.settle()
    steady(environment)
    return time.time()


def test_a_larger_volume_and_a_longer_retention_reach_the_running_server(
    environment: Environment, influxdb: Ask, began: float
) -> None:
    server = environment.instance_id
    _, volume = image_and_volume(environment, server)
    larger = int(environment.setting("dataVolumeSize")) + 1
    environment.configure(dataVolumeSize=larger)
    with environment.settings(retention="90d"):
        up_or_fail(environment)
    assert file_system_size(environment) == larger
    assert environment.instance_id == server
    assert image_and_volume(environment, server)[1] == volume
    assert retention(influxdb) == {"autogen": "2160h0m0s", "rollup": "25920h0m0s"}
    ages = {days: int(began) - days * DAY for days in (40, 20)}
    lines = "\n".join(f"aged days={days}i {moment}" for days, moment in ages.items())
    written = influxdb("POST", "/write?db=telegraf&precision=s", "admin", data=lines)
    assert written.status_code == 204, written.text


@pytest.fixture(scope="module")
def protected(environment: Environment) -> Iterator[None]:
    """The stack has `protect`, set by a setting and `up` as docs/durability.md says. The `up` also reverts the
    retention of the test before."""
    with environment.settings(protect=True):
        environment.settle()
        yield


def test_a_shorter_retention_expires_only_the_older_shards(
    environment: Environment, influxdb: Ask, began: float, protected: None
) -> None:
    assert retention(influxdb) == {"autogen": "720h0m0s", "rollup": "8640h0m0s"}
    ends = [str(row["expiry_time"]) for row in asked(influxdb, "SHOW SHARDS")]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    expired, days = sum(end < now for end in ends), {row["days"] for row in asked(influxdb, "SELECT days FROM aged")}
    # Every half hour InfluxDB deletes what has expired: it may have done so since the `up`.
    assert expired == 1 or (not expired and 40 not in days), ends
    assert 20 in days
    assert lost(environment, began) == dict.fromkeys(HOSTS, 0)


def test_destroying_a_protected_stack_is_refused_before_anything_is_deleted(
    environment: Environment, protected: None
) -> None:
    """Without a preview, which would also refuse it (tests/engine/test_bootstrap.py tries both)."""
    before = {resource["urn"] for resource in environment.resources()}
    refused = environment.pulumi("destroy", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "data-volume-address-and-backups" in refused.stdout
    assert "cannot be deleted" in refused.stdout
    assert {resource["urn"] for resource in environment.resources()} == before
    assert environment.grafana.get("/api/health").status_code == 200


def test_a_protected_volume_is_not_replaced_by_an_empty_one(environment: Environment, protected: None) -> None:
    """A subnet in another availability zone would require a new volume."""
    _, volume = image_and_volume(environment, environment.instance_id)
    ec2 = environment.aws("ec2")
    zone = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["AvailabilityZone"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    elsewhere = next(each["SubnetId"] for each in subnets if each["AvailabilityZone"] != zone)
    with environment.settings(protect=True, subnetId=elsewhere):
        refused = environment.pulumi("preview")
    assert refused.returncode != 0
    assert re.search(r'unable to replace resource ".*:Volume::data"', refused.stdout), refused.stdout[-3000:]


def test_an_output_says_what_destroy_would_delete(environment: Environment, protected: None) -> None:
    _, volume = image_and_volume(environment, environment.instance_id)
    bucket = environment.outputs["backupBucket"]
    first, second, how = environment.outputs["onDestroy"]
    assert first.startswith(f"refused: the data volume {volume} and the address ")
    assert second == f"refused: the bucket {bucket} with all backups is protected"
    assert "pulumi config set monitoring:protect false && pulumi up && pulumi destroy" in how
    shown = environment.pulumi("stack", "output", "onDestroy")
    assert volume in shown.stdout


def test_a_smaller_volume_is_refused_at_the_preview(environment: Environment, protected: None) -> None:
    size = int(environment.setting("dataVolumeSize"))
    with environment.settings(dataVolumeSize=size - 1):
        refused = environment.pulumi("up", "--yes")
    assert refused.returncode != 0
    refusal = f"dataVolumeSize = {size - 1}: the data volume has {size} GiB, and volumes cannot shrink"
    assert refusal in refused.stdout + refused.stderr
    assert "Previewing update" in refused.stdout
    assert "Updating" not in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    assert file_system_size(environment) == size
