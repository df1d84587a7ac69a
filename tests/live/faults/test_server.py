"""The server is replaced or gets another instance type: its data stays."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.points import HOSTS, INTERVAL, SERVER, counts, lost, steady
from tests.live.server import boot_id, image_and_volume
from tests.live.services import grafana_request
from tests.live.stacks import up_or_fail
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

SOMEBODY = {"name": "somebody", "login": "somebody", "password": "made-by-hand-1"}
BOARD = {"dashboard": {"uid": "by-hand", "title": "Made by hand", "panels": []}, "overwrite": True}
FIRES: dict[str, Any] = {
    **{"uid": "fires", "title": "Fires", "folderUID": "by-hand-too", "ruleGroup": "by hand", "orgID": 1},
    **{"for": "0s", "noDataState": "OK", "execErrState": "OK", "condition": "A"},
    "data": [
        {
            **{"refId": "A", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 600, "to": 0}},
            "model": {"refId": "A", "type": "math", "expression": "1 == 1"},
        }
    ],
}
"""An alert rule that fires from its first evaluation on."""


def firing_since(environment: Environment) -> str:
    """Since when the rule above has been firing; "" if it is not."""
    alerts = rules(environment).get("fires", {"alerts": []})["alerts"]
    return next((str(alert["activeAt"]) for alert in alerts if alert["state"] == "Alerting"), "")


def test_new_user_data_and_a_new_image_replace_the_server_and_keep_everything(environment: Environment) -> None:
    assert grafana_request(environment.grafana, "POST", "/api/admin/users", SOMEBODY).status_code in (200, 412)
    assert grafana_request(environment.grafana, "POST", "/api/dashboards/db", BOARD).status_code == 200
    folder = {"uid": "by-hand-too", "title": "By hand"}
    made = grafana_request(environment.grafana, "POST", "/api/folders", folder)
    assert made.status_code in (200, 409, 412), made.text
    made = grafana_request(environment.grafana, "POST", "/api/v1/provisioning/alert-rules", FIRES)
    assert made.status_code in (201, 409), made.text
    assert eventually(lambda: firing_since(environment) != "")
    since = firing_since(environment)
    # Only now: points that come late would be counted after the replacement and not before.
    steady(environment)
    began = time.time()
    before = counts(environment, began - 60, began - 20)
    assert set(before) >= HOSTS

    ec2, old = environment.aws("ec2"), environment.instance_id
    image, volume = image_and_volume(environment, old)
    repository = environment.setting("influxdataRepository")
    others = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*", "debian-13-arm64-*"]}])
    here = next(each["Architecture"] for each in others["Images"] if each["ImageId"] == image)
    other = next(e["ImageId"] for e in others["Images"] if e["Architecture"] == here and e["ImageId"] != image)
    # The same key under another address, so that nothing but the user data changes.
    start, _, path = repository["keyUrl"].partition("://")
    address = f"{start}://{path.replace('//', '/') if '//' in path else path.replace('/', '//', 1)}"
    environment.configure(amiId=other, influxdataRepository=repository | {"keyUrl": address})
    up_or_fail(environment)
    away = time.time() - began

    assert environment.instance_id != old
    assert image_and_volume(environment, environment.instance_id) == (other, volume)
    assert address in environment.guest("cat", "/etc/monitoring/boot.conf").stdout
    assert counts(environment, began - 60, began - 20) == before
    assert firing_since(environment) == since
    assert environment.grafana.get("/api/dashboards/uid/by-hand").status_code == 200
    theirs = (SOMEBODY["login"], SOMEBODY["password"])
    authority = str(environment.grafana.ca_file)
    assert requests.get(environment.grafana.url + "/api/org", auth=theirs, verify=authority, timeout=20).ok
    found = lost(environment, began)
    # A server that does not run does not measure itself; the others deliver what they measured in the meantime.
    assert {host: found[host] for host in HOSTS - {SERVER}} == {"db-1": 0, "web-1": 0}
    assert found[SERVER] <= away / INTERVAL
    deleted = grafana_request(environment.grafana, "DELETE", "/api/v1/provisioning/alert-rules/fires")
    assert deleted.status_code == 204


@pytest.mark.long_fault
def test_another_instance_type_stops_and_starts_the_same_server(environment: Environment) -> None:
    steady(environment)
    server, began = environment.instance_id, time.time()
    boot = boot_id(environment)
    family, _, size = environment.setting("instanceType").partition(".")
    kind = f"{family}.{'medium' if size == 'small' else 'small'}"
    environment.configure(instanceType=kind)
    # `up` waits until the server is ready.
    assert "Grafana: ready" in up_or_fail(environment)
    assert environment.grafana.get("/api/health").status_code == 200
    assert environment.instance_id == server
    (found,) = environment.aws("ec2").describe_instances(InstanceIds=[server])["Reservations"][0]["Instances"]
    assert found["InstanceType"] == kind
    assert boot_id(environment) not in ("", boot)
    missing = lost(environment, began)
    assert missing["db-1"] == missing["web-1"] == 0
    assert missing[SERVER] <= 6
