"""Requests to the stack's own InfluxDB, from an agent's machine, and to Grafana, as one of their users or without a
login."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
import yaml

from sandbox.machines.register import find
from sandbox.machines.standpoint import at
from sandbox.screen import Grafana
from tests.live.environment import Environment
from tests.support.waiting import eventually

Ask = Callable[..., requests.Response]
AGENT = "web-1"
"""A machine in `agentCidrs`."""
ROTATED = ("telegraf", "grafana")
"""InfluxDB's users that have another name in each generation of passwords (tests/live/test_rotation.py)."""


def from_agent_machine(environment: Environment) -> AbstractContextManager[None]:
    """Within this context, the thread's connections come from an agent's machine, which InfluxDB's port is open to."""
    return at(find(environment.place, AGENT))


def grafana_request(grafana: Grafana, method: str, path: str, body: object = None) -> requests.Response:
    """Send a request to Grafana as its administrator. body: sent as JSON."""
    login = (grafana.user, grafana.password)
    return requests.request(method, grafana.url + path, json=body, auth=login, verify=grafana.verify, timeout=30)


def influxql(environment: Environment, query: str, minutes: int = 15) -> list[dict[str, Any]]:
    """The frames that Grafana returns for an InfluxQL query, whose $timeFilter is the last `minutes`; none if it
    fails."""
    asked = {"datasource": {"uid": "influxdb"}, "query": query, "rawQuery": True, "resultFormat": "time_series"}
    return list(environment.grafana.query(asked, minutes)["results"]["A"].get("frames", []))


def grafana_answers(environment: Environment) -> bool:
    """Whether Grafana is up."""
    try:
        return environment.grafana.get("/api/health").status_code == 200
    except OSError:  # requests': it is not running, or still starting
        return False


@pytest.fixture(scope="module")
def passwords(environment: Environment) -> dict[str, str]:
    return passwords_now(environment)


def passwords_now(environment: Environment) -> dict[str, str]:
    """The passwords of InfluxDB's users: from Parameter Store, and the administrator's from the server."""
    pages = environment.aws("ssm").get_paginator("get_parameters_by_path")
    found = {
        parameter["Name"].rpartition("/")[2]: parameter["Value"]
        for page in pages.paginate(Path=environment.parameters, Recursive=True, WithDecryption=True)
        for parameter in page["Parameters"]
    }
    users = {user: found[f"influxdb-{user}-password"] for user in ROTATED}
    return {**users, "admin": influxdb_admin_password(environment)}


def influxdb_admin_password(environment: Environment) -> str:
    """The password of InfluxDB's administrator, which is stored only on the server."""
    done = environment.guest("cut", "-d", " ", "-f", "2", "/etc/monitoring/influxdb-administrator")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def generation(environment: Environment, setting: str) -> int:
    """The value of a setting such as `passwordGeneration`; 1 by default."""
    return int(yaml.safe_load(environment.stack_file.read_text())["config"].get(f"monitoring:{setting}", 1))


def influxdb_login(environment: Environment, user: str, password: str | None = None) -> tuple[str, str]:
    """The name of one of InfluxDB's users in this generation of passwords, and the given password or its own."""
    number = generation(environment, "passwordGeneration")
    name = f"{user}-{number}" if user in ROTATED and number > 1 else user
    return name, password or passwords_now(environment)[user]


@pytest.fixture(scope="module")
def influxdb(environment: Environment, passwords: dict[str, str]) -> Ask:
    """Send a request to InfluxDB as one of its users, or without a login."""

    def ask(method: str, path: str, user: str | None = None, password: str | None = None, **named: Any) -> Any:
        auth = influxdb_login(environment, user, password or passwords[user]) if user else None
        url = environment.outputs["influxdbUrl"] + path
        with from_agent_machine(environment):
            return requests.request(
                method, url, auth=auth, verify=str(environment.grafana.ca_file), timeout=20, **named
            )

    return ask


@pytest.fixture(scope="module")
def grafana(environment: Environment) -> Ask:
    """Send a request to Grafana as one of its users, or without a login. If the connection breaks, the test run warns
    with the state and the journal of Grafana's service, and the request is sent once more when Grafana is up again."""
    ca = str(environment.grafana.ca_file)

    def send(method: str, path: str, **named: Any) -> requests.Response:
        return requests.request(method, environment.grafana.url + path, verify=ca, timeout=20, **named)

    def ask(method: str, path: str, auth: tuple[str, str] | None = None, **named: Any) -> Any:
        try:
            return send(method, path, auth=auth, **named)
        except requests.ConnectionError as broken:
            state = environment.guest("systemctl", "show", "grafana-server", "-p", "ActiveState,NRestarts,Result")
            journal = environment.guest("journalctl", "-u", "grafana-server", "-n", "15", "--no-pager")
            warnings.warn(f"{method} {path}: {broken}\n{state.stdout}{journal.stdout}", stacklevel=2)
            eventually(lambda: grafana_answers(environment))
            return send(method, path, auth=auth, **named)

    return ask


@pytest.fixture
def administrator(environment: Environment) -> tuple[str, str]:
    return environment.grafana.user, environment.grafana.password


def query(ask: Ask, user: str | None, statement: str, database: str = "telegraf") -> str:
    """InfluxDB's answer to a statement: the error if there is one, otherwise the results as JSON."""
    answer = ask("POST", "/query", user, data={"q": statement, "db": database})
    found = answer.json()
    errors = [found.get("error"), *(result.get("error") for result in found.get("results", []))]
    return next((f"error: {error}" for error in errors if error), json.dumps(found))
