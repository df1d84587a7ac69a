"""A stack on an InfluxDB of somebody else's: 1.12.4 behind a proxy, then moved to 2.x; and what previews say of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.toolchain.influxdb import shortfall
from sandbox.viewer.queries import TimeRange, panel_queries
from tests.live import elsewhere
from tests.live.alert_rules import rules
from tests.live.elsewhere import Elsewhere
from tests.live.environment import Environment
from tests.live.panels import ask
from tests.live.points import eventually
from tests.live.second import ending, stack_named, up

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

DASHBOARDS = ("linux-hosts", "monitoring-server")


@pytest.fixture(scope="module")
def first(environment: Environment) -> Iterator[Elsewhere]:
    yield elsewhere.first(environment)
    elsewhere.stop(environment)


@pytest.fixture(scope="module")
def second(environment: Environment, first: Elsewhere) -> Elsewhere:
    if shortfall():
        pytest.skip("InfluxDB 2.x needs the compilers that are missing here, too")
    return elsewhere.second(environment)


@pytest.fixture(scope="module")
def stack(environment: Environment, first: Elsewhere) -> Iterator[Environment]:
    with stack_named("elsewhere", hosts=[]) as made:
        elsewhere.use(made, first)
        yield made


def look(stack: Environment) -> tuple[list[str], set[str]]:
    """The panels that InfluxDB refuses, and those that show numbers of the stack's server."""
    refused, numbers = [], set()
    for uid in DASHBOARDS:
        stored = stack.grafana.get(f"/api/dashboards/uid/{uid}").json()["dashboard"]
        host: dict[str, str | list[str]] = {"host": ["monitoring-elsewhere"]}
        for query in panel_queries(stored, host, TimeRange.last(900)):
            results = ask(stack, query)
            refused += [f"{query.title}: {each['error']}" for each in results.values() if each.get("error")]
            frames = [frame for each in results.values() for frame in each.get("frames", [])]
            if any(column for frame in frames for column in frame["data"]["values"][1:]):
                numbers.add(query.title)
    return refused, numbers


def shown(stack: Environment) -> None:
    """Every panel's query and every rule runs, and what the server's own agent measures is there."""
    assert look(stack)[0] == []
    assert eventually(lambda: {"CPU use", "File systems", "Metrics delivered"} <= look(stack)[1])

    def evaluated() -> bool:
        return all(rule["health"] in ("ok", "nodata") for rule in rules(stack).values())

    assert eventually(evaluated, 400), {uid: rule["health"] for uid, rule in rules(stack).items()}


def test_a_stack_on_an_influxdb_behind_a_proxy(stack: Environment) -> None:
    """Port 443, a path in its address, its own authority, and a password of every kind of character."""
    done = up(stack)
    assert done.returncode == 0, ending(done)
    assert "warning" not in done.stdout
    shown(stack)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"database": "theirs"}, 'influxdb.database = "theirs": does not exist there'),
        ({"username": "nobody"}, 'influxdb.username = "nobody": is refused with this password'),
        ({"ca": None}, "has a certificate that is not trusted"),
    ],
    ids=["database", "login", "authority"],
)
def test_a_preview_says_what_is_wrong_with_it(stack: Environment, changed: dict[str, str | None], said: str) -> None:
    setting = {**stack.setting("influxdb"), **changed}
    with stack.settings(influxdb={name: value for name, value in setting.items() if value}):
        process = stack.pulumi("preview")
    assert process.returncode != 0
    assert said in process.stdout, ending(process)
    assert "Traceback" not in process.stdout


def test_it_moves_to_an_influxdb_2(stack: Environment, second: Elsewhere) -> None:
    elsewhere.use(stack, second)
    done = up(stack)
    assert done.returncode == 0, ending(done)
    assert "warning" not in done.stdout
    shown(stack)
