"""Backups are made on request, are private, and are enough to restore everything when machine and volume are gone."""

from __future__ import annotations

import re
import sys
import uuid
from datetime import datetime
from typing import Any

import pytest
import requests

from tests.live.environment import STACK, Environment, sandbox
from tests.live.server import BOOT_SCRIPT, wait_for_run
from tests.live.services import from_agent_machine, grafana_request, influxdb_admin_password
from tests.live.stacks import console, refresh_or_fail, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

BACKUP = "/etc/monitoring/backup"
EMPTY = "UNSIGNED-PAYLOAD"
KEPT, LOST = (f"{uuid.uuid4().hex[:8]}-{fate}" for fate in ("kept", "lost"))
"""A user's own dashboards, made before and after the backup."""
DAMAGED = "2001-01-01T00-00-00Z"
"""The id of the copy that is damaged."""


def bucket(environment: Environment) -> str:
    return str(environment.outputs["backupBucket"])


def backups(environment: Environment) -> list[str]:
    """The ids of all complete backups, oldest first."""
    listed = environment.aws("s3").list_objects_v2(Bucket=bucket(environment), Prefix=f"{STACK}/")
    keys = [each["Key"] for each in listed.get("Contents", [])]
    return sorted(key.split("/")[1] for key in keys if key.endswith("/complete"))


def newest_backup(environment: Environment, *, more_than: int) -> str:
    """Wait until there are more backups than this number; returns the newest."""
    found = eventually(lambda: backups(environment)[more_than:])
    assert found, environment.guest("journalctl", "-u", "monitoring-backup", "-n", "20").stdout
    return found[-1]


def ask(environment: Environment, query: str) -> dict[str, Any]:
    """The values that InfluxDB returns to its administrator, by host or, without that tag, by measurement."""
    with from_agent_machine(environment):
        answer = requests.post(
            f"{environment.outputs['influxdbUrl']}/query",
            data={"db": "telegraf", "q": query, "epoch": "s"},
            auth=("admin", influxdb_admin_password(environment)),
            verify=str(environment.grafana.ca_file),
            timeout=30,
        ).json()
    series = answer["results"][0].get("series", [])
    return {each.get("tags", {}).get("host", each["name"]): each["values"] for each in series}


def counts(environment: Environment, until: float) -> dict[str, Any]:
    """How many points each host has up to a moment, for some measurements."""
    asked = (("system", "uptime"), ("cpu", "usage_idle"), ("disk", "used"))
    return {
        name: ask(environment, f"SELECT count({field}) FROM {name} WHERE time <= {int(until)}s GROUP BY host")  # noqa: S608
        for name, field in asked
    }


def save_dashboard(environment: Environment, uid: str) -> None:
    """Save a user's own dashboard, which Pulumi does not know."""
    dashboard = {"dashboard": {"uid": uid, "title": uid, "panels": []}}
    made = grafana_request(environment.grafana, "POST", "/api/dashboards/db", dashboard)
    assert made.status_code == 200, made.text


def destroy_the_machine(environment: Environment) -> None:
    """Delete the instance and its data volume, as somebody could by hand."""
    ec2, instance = environment.aws("ec2"), environment.instance_id
    mapped = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    volume = next(each["Ebs"]["VolumeId"] for each in mapped if each["DeviceName"] == "/dev/sdf")
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
    ec2.delete_volume(VolumeId=volume)


def test_the_first_backup_is_made_automatically(environment: Environment) -> None:
    newest_backup(environment, more_than=0)
    timer = environment.guest("systemctl", "is-enabled", "monitoring-backup.timer")
    assert timer.stdout.strip() == "enabled"
    assert "failed=0i" in environment.guest("runuser", "-u", "telegraf", "--", BACKUP, "status").stdout


def test_the_backups_are_listed(environment: Environment) -> None:
    """Runs what `make backups` runs."""
    script = str(environment.place.checkout / "tools" / "list_backups.py")
    listed = sandbox("shell", "--", sys.executable, script, "--stack", STACK)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    found = backups(environment)
    assert found
    assert [backup for backup in found if backup not in listed.stdout] == []
    assert "complete" in listed.stdout


def test_the_bucket_is_private_versioned_and_encrypted(environment: Environment) -> None:
    client, name = environment.aws("s3"), bucket(environment)
    assert set(client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    assert client.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    rules = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (rule["Expiration"], rule["NoncurrentVersionExpiration"]) == ({"Days": 7}, {"NoncurrentDays": 7})


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ("-X DELETE", "{bucket}/{stack}/{id}/complete"),
        ("-X DELETE", "{bucket}"),
        ("", "{bucket}/other/one"),
        ("", "{bucket}?list-type=2"),
        ("", "{bucket}?list-type=2&prefix=other%2F"),
        ("", "{bucket}?policy="),
    ],
)
def test_the_server_is_refused(environment: Environment, options: str, path: str) -> None:
    target = path.format(bucket=bucket(environment), stack=STACK, id=backups(environment)[-1])
    script = f"set +e; . {BACKUP}; set +e; trap - ERR; s3 {EMPTY} {options} '{target}'"
    refused = environment.guest("bash", "-c", script)
    assert "403" in refused.stderr, refused.stdout + refused.stderr


def test_a_restore_brings_back_everything_up_to_the_backup(environment: Environment) -> None:
    save_dashboard(environment, KEPT)
    before = len(backups(environment))
    with environment.settings(backups={"now": 1}):
        up_or_fail(environment)
        newest = newest_backup(environment, more_than=before)
        # When it began, agents had sent everything that they had measured more than half a minute before.
        until = datetime.strptime(newest, "%Y-%m-%dT%H-%M-%S%z").timestamp() - 30
        counted = counts(environment, until)
        assert counted["system"]
        save_dashboard(environment, LOST)
        destroy_the_machine(environment)

        gone = ("--target", "**index:Server$**", "--target", "**index:DataVolume$**")
        refresh_or_fail(environment, *gone)
        with environment.settings(restoreFrom="latest"):
            up_or_fail(environment)
            assert f"restored from {bucket(environment)}/{STACK}/{newest}" in console(environment)
            assert counts(environment, until) == counted
            found = {each["uid"] for each in environment.grafana.get("/api/search").json()}
            assert {KEPT, "linux-hosts", "aws-ec2", "monitoring-server"} <= found
            assert LOST not in found
            up_or_fail(environment, "--expect-no-changes")


def restore(environment: Environment, backup: str) -> str:
    """What the boot script prints with another `restoreFrom`, after an interrupted restore. It must fail, unless the
    backup is `latest`."""
    reported = ("--target", "**parameter:Parameter::server.conf", "--target", "**::parameters-revision")
    with environment.settings(restoreFrom=backup):
        up_or_fail(environment, *reported)
    environment.guest("touch", "/srv/monitoring/restoring")
    done = environment.guest(BOOT_SCRIPT)
    assert (done.returncode == 0) is (backup == "latest"), done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.usefixtures("quiet_server")
def test_a_missing_or_damaged_backup_stops_the_boot_until_another_is_chosen(environment: Environment) -> None:
    # `backups.now` has changed back, which requests one.
    wait_for_run(environment, "monitoring-backup")
    client, name, newest = environment.aws("s3"), bucket(environment), backups(environment)[-1]
    absent = restore(environment, "2000-01-01T00-00-00Z")
    assert re.search(r"boot failed at line \d+ of restore: .* does not exist, or is incomplete", absent)
    # A copy of the newest backup, with one byte changed.
    for file in (each["Key"] for each in client.list_objects_v2(Bucket=name, Prefix=f"{STACK}/{newest}/")["Contents"]):
        body = client.get_object(Bucket=name, Key=file)["Body"].read()
        changed = body[:-1] + bytes([body[-1] ^ 1]) if file.endswith("grafana.db") else body
        client.put_object(Bucket=name, Key=file.replace(newest, DAMAGED), Body=changed)
    assert "is damaged" in restore(environment, DAMAGED)
    for each in client.list_objects_v2(Bucket=name, Prefix=f"{STACK}/{DAMAGED}/")["Contents"]:
        client.delete_object(Bucket=name, Key=each["Key"])
    said = restore(environment, "latest")
    assert "a restore was interrupted: it begins again" in said
    assert f"restored from {name}/{STACK}/{newest}" in said
    assert {KEPT, "linux-hosts"} <= {each["uid"] for each in environment.grafana.get("/api/search").json()}


def test_a_volume_with_data_is_left_alone(environment: Environment) -> None:
    ignored = environment.guest("/etc/monitoring/restore")
    assert "restoreFrom is ignored: the data volume has data already" in ignored.stdout


def test_a_failed_backup_is_reported(environment: Environment) -> None:
    """With S3 out of reach the service fails, and the status that Telegraf reads says so and keeps the time of the last
    success."""
    wait_for_run(environment, "monitoring-backup")
    before = environment.guest(BACKUP, "status").stdout
    environment.guest("sh", "-c", "cp /etc/hosts /run/hosts; sed -i 's/s3[.]eu-central-1/no/' /etc/hosts")
    try:
        failed = environment.guest("systemctl", "start", "monitoring-backup")
    finally:
        environment.guest("sh", "-c", "cat /run/hosts >/etc/hosts")
    assert failed.returncode != 0
    status = environment.guest(BACKUP, "status").stdout
    assert "failed=1i" in status
    assert status.split("last_success=")[1].split("i")[0] == before.split("last_success=")[1].split("i")[0]
