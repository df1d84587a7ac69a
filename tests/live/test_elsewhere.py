"""A stack on an InfluxDB of somebody else's: 1.12.4 behind a proxy, then moved to 2.x; and what previews say of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.toolchain.influxdb import shortfall
from tests.live import elsewhere
from tests.live.elsewhere import Elsewhere
from tests.live.environment import Environment
from tests.live.panels import shown
from tests.live.second import ending, stack_named, up

pytestmark = [pytest.mark.live, pytest.mark.disrupts]


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
