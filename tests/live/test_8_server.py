"""The server replaced, its volume late, elsewhere or not its own: the data outlives all of it."""

from __future__ import annotations

import time

import pytest
import requests

from tests.live.environment import Environment
from tests.live.points import HOSTS, SERVER, counts, lost

pytestmark = [pytest.mark.live, pytest.mark.long_fault]


def grafana(environment: Environment, method: str, path: str, body: object = None) -> requests.Response:
    """A request of Grafana's administrator."""
    login = (environment.grafana.user, environment.grafana.password)
    url, ca = environment.grafana.url + path, str(environment.grafana.ca_file)
    return requests.request(method, url, json=body, auth=login, verify=ca, timeout=20)


def test_a_replaced_server_keeps_every_point_and_what_people_made(environment: Environment) -> None:
    somebody = {"name": "somebody", "login": "somebody", "password": "made-by-hand-1"}
    assert grafana(environment, "POST", "/api/admin/users", somebody).status_code in (200, 412)
    board = {"dashboard": {"uid": "by-hand", "title": "Made by hand", "panels": []}, "overwrite": True}
    assert grafana(environment, "POST", "/api/dashboards/db", board).status_code == 200
    began = time.time()
    before = counts(environment, began - 300, began - 20)
    assert set(before) >= HOSTS
    old = environment.instance_id
    (urn,) = [one["urn"] for one in environment.resources() if one["type"] == "aws:ec2/instance:Instance"]
    done = environment.pulumi("up", "--yes", "--skip-preview", "--replace", urn)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    environment.forget()
    assert environment.instance_id != old
    assert counts(environment, began - 300, began - 20) == before
    found = lost(environment, began)
    # A server that is not there measures nothing of itself; everybody else delivers what they measured meanwhile.
    assert {host: found[host] for host in HOSTS - {SERVER}} == {"db-1": 0, "web-1": 0}
    assert found[SERVER] <= 12
    assert grafana(environment, "GET", "/api/dashboards/uid/by-hand").status_code == 200
    assert requests.get(
        environment.grafana.url + "/api/org",
        auth=(somebody["login"], somebody["password"]),
        verify=str(environment.grafana.ca_file),
        timeout=20,
    ).ok
