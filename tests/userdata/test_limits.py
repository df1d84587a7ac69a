"""What a broken agent can use up in a real InfluxDB: series and tag values, up to the limits in influxdb.conf."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dashboards.monitoring_server import SERIES_LIMIT
from sandbox.loopback import free_port, influxdb_configuration
from tests.dashboards.conftest import running, wait_for
from tests.support import rollup
from userdata.templates import FOLDER

pytestmark = pytest.mark.slow

DATA = tomllib.loads((FOLDER / "server/influxdb.conf").read_text())["data"]
LIMITS = {key: DATA[key] for key in ("max-series-per-database", "max-values-per-tag")}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    http = free_port()
    settings = tmp_path / "influxdb.conf"
    # With the default index, as on the server: the other one, tsi1, has no such limits.
    limits = [f"{key} = {value}" for key, value in LIMITS.items()]
    ours = influxdb_configuration(tmp_path, http, *limits)
    assert all(limit in ours for limit in limits)
    settings.write_text(ours)
    found = f"http://127.0.0.1:{http}"
    with running("influxd", "-config", settings):
        wait_for(found)
        requests.post(f"{found}/query", params={"q": "CREATE DATABASE telegraf"}, timeout=20)
        yield found


def write(url: str, lines: list[str]) -> requests.Response:
    return requests.post(f"{url}/write?db=telegraf", data="\n".join(lines), timeout=60)


def write_errors(url: str) -> int:
    """The counter that the rule "InfluxDB fails to write" reads."""
    return int(requests.get(f"{url}/debug/vars", timeout=20).json()["write"]["values"]["writeError"])


def test_the_server_s_index_is_the_one_with_limits() -> None:
    assert DATA.get("index-version", "inmem") == "inmem"


def test_a_tag_has_a_limited_number_of_values(url: str) -> None:
    limit = LIMITS["max-values-per-tag"]
    assert write(url, ["system,host=web-1 uptime=1"]).status_code == 204
    assert write_errors(url) == 0
    # A request is checked against what was stored before it.
    assert write(url, [f"system,host=rogue-{number} uptime=1" for number in range(limit - 1)]).status_code == 204
    refused = write(url, ["system,host=one-more uptime=1"])
    assert refused.status_code == 400
    assert f"max-values-per-tag limit exceeded ({limit}/{limit})" in refused.text
    assert write_errors(url) == 1
    # Existing hosts and other measurements are not affected.
    assert write(url, ["system,host=web-1 uptime=2", "cpu,host=web-2 usage=1"]).status_code == 204


def test_a_database_has_a_limited_number_of_series(url: str) -> None:
    limit = LIMITS["max-series-per-database"]
    assert limit == SERIES_LIMIT, "what the rule “Too many series” says"
    assert write(url, ["system,host=web-1 uptime=1"]).status_code == 204
    each = LIMITS["max-values-per-tag"]
    for number in range(limit // each - 1):
        lines = [f"m{number},host=rogue-{value} v=1" for value in range(each)]
        assert write(url, lines).status_code == 204
    refused = write(url, [f"last,host=rogue-{value} v=1" for value in range(each)])
    assert refused.status_code == 400
    assert f"max-series-per-database exceeded database=telegraf limit={limit}" in refused.text
    assert write_errors(url) == 1
    assert write(url, ["system,host=web-1 uptime=2"]).status_code == 204


def shards(url: str) -> int:
    answer = requests.get(f"{url}/query", params={"q": "SHOW SHARDS"}, timeout=20).json()
    return sum(len(each.get("values", ())) for each in answer["results"][0]["series"])


def test_points_far_in_the_future_are_refused_and_make_no_shards(url: str, tmp_path: Path) -> None:
    """Each shard takes memory and a file. The script that down-samples, which runs within a minute after each boot,
    limits their number in both policies, because a writer can name either."""
    requests.post(f"{url}/query", params={"q": rollup.CREATE}, timeout=20)
    now, day = int(time.time()), 86400
    days = "\n".join(f"system,host=rogue uptime=1i {now + number * day}" for number in range(0, 1000, 7))
    rollup.install(tmp_path)
    rollup.configure(tmp_path, url)
    for _ in range(2):  # the second run changes nothing
        assert rollup.run(tmp_path) == ""
    for policy in ("autogen", "rollup"):
        before = shards(url)
        where = f"{url}/write?db=telegraf&precision=s&rp={policy}"
        refused = requests.post(where, data=days, timeout=60)
        assert refused.status_code == 400
        assert "outside write window" in refused.text
        assert shards(url) - before <= 2
        ahead = requests.post(where, data=f"system,host=ahead uptime=1i {now + 6 * day}", timeout=20)
        assert ahead.status_code == 204, ahead.text
        stored = f'SELECT first("uptime") FROM "{policy}"."system" WHERE time < now() + 1d'  # noqa: S608
        found = requests.get(f"{url}/query", params={"db": "telegraf", "q": stored}, timeout=20).json()
        assert "series" in found["results"][0], "the rest of the same request is stored"
