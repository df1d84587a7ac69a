"""Requests to the stack's own InfluxDB, from where an agent is, and to Grafana, as one of their users or without a
login."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests

from sandbox.machines.register import find
from sandbox.machines.standpoint import at
from tests.live.environment import Environment

Ask = Callable[..., requests.Response]
AGENT = "web-1"
"""A machine in `agentCidrs`."""
PAUSE = 5
"""Seconds in which Grafana's service comes back by itself."""


def agents_place(environment: Environment) -> AbstractContextManager[None]:
    """From where InfluxDB is open: meanwhile, this thread's connections come from an agent's machine."""
    return at(find(environment.place, AGENT))


@pytest.fixture(scope="module")
def passwords(environment: Environment) -> dict[str, str]:
    return passwords_now(environment)


def passwords_now(environment: Environment) -> dict[str, str]:
    """InfluxDB's users and their passwords, as the parameter store holds them; the administrator's is the server's."""
    pages = environment.aws("ssm").get_paginator("get_parameters_by_path")
    found = {
        parameter["Name"].rpartition("/")[2]: parameter["Value"]
        for page in pages.paginate(Path=environment.parameters, Recursive=True, WithDecryption=True)
        for parameter in page["Parameters"]
    }
    users = {user: found[f"influxdb-{user}-password"] for user in ("telegraf", "grafana")}
    return {**users, "admin": administrator_of_influxdb(environment)}


def administrator_of_influxdb(environment: Environment) -> str:
    """The password of InfluxDB's administrator, which is nowhere but on the server."""
    done = environment.guest("cut", "-d", " ", "-f", "2", "/etc/monitoring/influxdb-administrator")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def influxdb(environment: Environment, passwords: dict[str, str]) -> Ask:
    """Ask InfluxDB as one of its users, or without a login."""

    def ask(method: str, path: str, user: str | None = None, password: str | None = None, **named: Any) -> Any:
        auth = (user, password or passwords[user]) if user else None
        url = environment.outputs["influxdbUrl"] + path
        with agents_place(environment):
            return requests.request(
                method, url, auth=auth, verify=str(environment.grafana.ca_file), timeout=20, **named
            )

    return ask


@pytest.fixture(scope="module")
def grafana(environment: Environment) -> Ask:
    """Ask Grafana as one of its users, or without a login. If the connection breaks, what Grafana's service did
    becomes a warning of the test run, and the request is sent once more."""
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
            time.sleep(PAUSE)
            return send(method, path, auth=auth, **named)

    return ask


@pytest.fixture
def administrator(environment: Environment) -> tuple[str, str]:
    return environment.grafana.user, environment.grafana.password


def query(ask: Ask, user: str | None, statement: str, database: str = "telegraf") -> str:
    """InfluxDB's answer to a statement: the error if there is one, else the results as JSON."""
    answer = ask("POST", "/query", user, data={"q": statement, "db": database})
    found = answer.json()
    errors = [found.get("error"), *(result.get("error") for result in found.get("results", []))]
    return next((f"error: {error}" for error in errors if error), json.dumps(found))
