"""A stack that moves between the server's own InfluxDB and another one."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import Any

import pytest

from tests.components.conftest import ADDRESS, Run, run_program
from tests.components.examples import ELSEWHERE
from tests.support.configuration import HOST
from tools.cost.bill import MOVING_PARAMETERS

OWN = f"https://{ADDRESS}:8086"
MANAGED = "https://db-1.timestream-influxdb.eu-central-1.on.aws:8086"
HOSTS = {"hosts": [HOST | {"name": "web-1"}]}


@cache
def moving(kind: str, own: str) -> Run:
    """A stack that moves to an external InfluxDB, or to one that AWS runs."""
    if kind == "theirs":
        return run_program(HOSTS | {"influxdb": ELSEWHERE | {"own": own}}, secret=("influxdb",))
    return run_program(HOSTS | {"database": {"kind": "timestream", "own": own}})


def parameter(run: Run, name: str) -> str:
    return str(next(r.inputs.get("insecureValue") or r.inputs["value"] for r in run.all("Parameter") if r.name == name))


def outputs(configuration: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(configuration)["outputs"]["influxdb"]
    return found


def agent(run: Run) -> tuple[list[dict[str, Any]], str]:
    """The outputs in an agent's configuration, and its installer."""
    (script,) = [r.inputs["stdin"] for r in run.all("Command") if r.name == "web-1" and "stdin" in r.inputs]
    configuration = script.partition("# Telegraf's settings")[2].partition("[[inputs.cpu]]")[0]
    return outputs(f"#{configuration}"), script


@pytest.mark.parametrize("own", ["shown", "kept"])
@pytest.mark.parametrize(("kind", "url"), [("theirs", ELSEWHERE["url"]), ("managed", MANAGED)])
def test_agents_and_the_server_write_to_both(kind: str, url: str, own: str) -> None:
    run = moving(kind, own)
    written, script = agent(run)
    assert [each["urls"] for each in written] == [[OWN], [url]]
    assert [each["password"] for each in written] == ["${INFLUX_PASSWORD}", "${INFLUX_PASSWORD_OTHER}"]
    assert ["tls_ca" in each for each in written] == [True, False]
    theirs = ELSEWHERE["password"] if kind == "theirs" else "password-of-influxdb-telegraf"
    assert f"INFLUX_PASSWORD_OTHER='{theirs}'" in script
    (first, second) = outputs(parameter(run, "telegraf.conf"))
    assert first["urls"][0].endswith(":8086")
    assert second["urls"] == [url]


@pytest.mark.parametrize("kind", ["theirs", "managed"])
def test_dashboards_show_the_influxdb_that_the_setting_names(kind: str) -> None:
    url = {"theirs": ELSEWHERE["url"], "managed": MANAGED}[kind]
    sources = {own: moving(kind, own).one("DataSource", "influxdb")["url"] for own in ("shown", "kept")}
    assert sources["kept"] == url
    assert sources["shown"] != url
    boards = {own: moving(kind, own).one("Dashboard", "monitoring-server")["configJson"] for own in sources}
    titles = {own: [row["title"] for row in json.loads(board)["panels"]] for own, board in boards.items()}
    assert all(row[0] == "Moving" for row in titles.values())
    assert ["At a glance" in titles[own] for own in ("shown", "kept")] == [True, False]


def test_moving_does_not_replace_the_server(prod: Run) -> None:
    data = {json.dumps(moving("theirs", own).one("Instance")["userData"]) for own in ("shown", "kept")}
    data.add(json.dumps(prod.one("Instance")["userData"]))
    assert len(data) == 1


def test_the_other_password_is_a_secret_parameter_and_nowhere_else_but_in_the_installer() -> None:
    run = moving("theirs", "shown")
    (made,) = [r for r in run.all("Parameter") if r.name == "influxdb-other-password"]
    assert (made.inputs["type"], made.inputs["value"]) == ("SecureString", ELSEWHERE["password"])
    holding = [r.name for r in run.resources if ELSEWHERE["password"] in json.dumps(r.inputs)]
    assert set(holding) == {"influxdb-other-password", "web-1"}
    assert "influxdb-other-password" not in {r.name for r in moving("managed", "shown").all("Parameter")}


def test_the_copy_script_is_on_the_server_only_while_the_stack_moves(prod: Run) -> None:
    names = {r.name for r in moving("managed", "kept").all("Parameter")}
    assert names >= {"influxdb-moving", "moving_engine.py", "influxdb-moving.timer", "moving.sh", "timestream.py"}
    assert not [r.name for r in prod.all("Parameter") if "influxdb-moving" in r.name]
    advanced = [r.name for r in moving("managed", "kept").all("Parameter") if r.inputs["tier"] == "Advanced"]
    assert len(advanced) == MOVING_PARAMETERS, "as in the bill"
    conf = parameter(moving("managed", "kept"), "server.conf")
    assert f"OTHER={MANAGED}\n" in conf
    assert "SHOWN=other\n" in conf
