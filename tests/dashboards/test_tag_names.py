"""Agents' tags with the name of a measurement's field or of a table's column."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import alerts
from dashboards.registry import LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER
from sandbox.loopback import free_port, influxdb_configuration
from sandbox.viewer.queries import TimeRange, panel_queries, panels
from settings.hosts import RESERVED_TAGS, checked_tags
from settings.mistakes import WrongValueError
from tests.alerts.conftest import ALL
from tests.dashboards.conftest import Influx, running, wait_for

FIELDS = ("load1", "load5", "load15", "n_cpus", "n_users", "usage_idle", "used_percent")
"""Fields of `system` and of other measurements."""


def allowed(tag: str) -> bool:
    """Whether the settings accept a tag of this name."""
    try:
        checked_tags({tag: "x"})
    except WrongValueError:
        return False
    return True


def with_tags() -> list[dict[str, Any]]:
    """The panels with a column for each tag."""
    return [each for each in panels(json.loads(LINUX_HOSTS.build(tags=["role"]))) if '"role"' in json.dumps(each)]


def columns(panel: dict[str, Any]) -> Iterator[str]:
    """The names of all columns next to a tag's, as queries, transformations and overrides have them."""
    (own,) = [each["query"] for each in panel["targets"] if '"role' in each["query"]]
    yield from re.findall(r'AS "([^"]+)"', own)
    yield from (each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"])
    for each in panel["transformations"]:
        options = each["options"]
        yield from options.get("renameByName", {}).values()
        yield from options.get("reduce", {}).get("include", ())
        yield options.get("alias", "host")


def test_no_tag_can_have_the_name_of_a_column_next_to_it() -> None:
    found = [set(columns(panel)) - {"role"} for panel in with_tags()]
    assert len(found) == 2
    assert {"State", "Memory", "uptime"} <= set.union(*found)
    assert [name for name in set.union(*found) if allowed(name)] == []


def test_names_that_are_refused_only_in_capitals_are_names_of_columns() -> None:
    capitals = {name for name in RESERVED_TAGS if name != name.lower()}
    assert capitals <= {name for panel in with_tags() for name in columns(panel)}
    assert all(allowed(name.lower()) for name in capitals)


def every_query() -> Iterator[str]:
    """The queries of all panels, variables and rules that read InfluxDB."""
    for entry in (LINUX_HOSTS, LINUX_HOST, MONITORING_SERVER):
        page = json.loads(entry.build())
        yield from (str(target["query"]) for panel in panels(page) for target in panel["targets"])
        yield from (str(each["query"]) for each in page["templating"]["list"] if each["type"] == "query")
    for group in alerts.build(ALL):
        for rule in group.rules:
            models = [json.loads(step.model_json) for step in rule.steps]
            yield from (str(model["query"]) for model in models if "query" in model)


def test_every_comparison_with_a_tag_says_that_it_is_a_tag() -> None:
    """Otherwise one point with a field of that name, from any agent, would hide all hosts."""
    asked = [name for query in every_query() for name in re.findall(r'("[^"]+"(?:::\w+)?) (?:=|!=|=~|!~) [/\']', query)]
    assert {'"host"::tag', '"cpu"::tag', '"ephemeral"::tag'} <= set(asked)
    assert {name for name in asked if not name.endswith("::tag")} == set()


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """Two hosts, one of which has a tag for each of FIELDS."""
    folder = tmp_path_factory.mktemp("influx")
    settings, http = folder / "influxdb.conf", free_port()
    settings.write_text(influxdb_configuration(Path(folder), http))
    url = f"http://127.0.0.1:{http}"
    with running("influxd", "-config", settings):
        wait_for(url)
        requests.post(f"{url}/query", params={"q": "CREATE DATABASE telegraf"}, timeout=20)
        tags = ",".join(f"{name}=named" for name in FIELDS)
        fields = "load1=1.5,load5=1.5,load15=1.5,n_cpus=2i,n_users=1i,uptime=60i"
        now = int(time.time()) - 10
        lines = f"system,host=well,{tags} {fields} {now}\nsystem,host=other {fields} {now}\n"
        done = requests.post(f"{url}/write?db=telegraf&precision=s", data=lines, timeout=20)
        assert done.status_code == 204, done.text
        yield Influx(url)


@pytest.mark.slow
@pytest.mark.parametrize("tag", [name for name in FIELDS if allowed(name)])
def test_a_tag_with_the_name_of_a_field_can_be_shown_and_selected(influx: Influx, tag: str) -> None:
    """The tables show the tag's values, not the field's, and its hosts can be selected."""
    content = json.loads(LINUX_HOSTS.build(tags=[tag]))
    asked = panel_queries(content, {"host": ["well", "other"], "interval": "10s"}, TimeRange.last(300))
    answers = [influx.ask(query.influxql()) for query in asked if f'"{tag}"::tag' in query.influxql()]
    assert len(answers) == 2
    for answer in answers:
        found = {each["tags"]["host"]: dict(zip(each["columns"], each["values"][0], strict=True)) for each in answer}
        assert found["well"][tag] == "named"
        assert found["other"][tag] is None
    for entry in (LINUX_HOSTS, MONITORING_SERVER):
        variables = json.loads(entry.build(tags=[tag]))["templating"]["list"]
        (query,) = [each["query"] for each in variables if each["name"] == "host"]
        for chosen, hosts in ((".*", {"well", "other"}), ("named", {"well"}), ("another", set())):
            answer = influx.ask(str(query).replace(f"$by_{tag}", chosen))
            assert {row[1] for each in answer for row in each["values"]} == hosts


@pytest.mark.slow
def test_a_field_with_the_name_of_a_tag_hides_no_host(influx: Influx) -> None:
    now = int(time.time()) - 5
    rogue = f'system,host=rogue host="x",ephemeral="true",instance_id="i-1",cpu="none",uptime=1i {now}'
    done = requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=rogue, timeout=20)
    assert done.status_code == 204, done.text
    content = json.loads(LINUX_HOSTS.build())
    asked = panel_queries(content, {"host": ["well", "other"], "interval": "10s"}, TimeRange.last(300))
    texts = {query.title: query.influxql() for query in asked}
    ((_, reporting),) = influx.ask(texts["Reporting"])[0]["values"]
    assert reporting == 2
    rules = {rule.uid: rule for group in alerts.build(ALL) for rule in group.rules}
    text = json.loads(rules["host-silent"].steps[0].model_json)["query"]
    shown = influx.ask(text.replace("$timeFilter", "time > now() - 1h AND time <= now()"))
    assert {each["tags"]["host"] for each in shown} >= {"well", "other"}
    (chosen,) = [
        each["query"] for each in json.loads(LINUX_HOST.build())["templating"]["list"] if each["name"] == "host"
    ]
    answer = influx.ask(str(chosen).replace("$instance_id", ".*"))
    assert {row[1] for each in answer for row in each["values"]} >= {"well", "other"}
