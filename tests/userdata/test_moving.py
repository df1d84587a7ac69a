"""Copying one InfluxDB to another: the script against real ones, started as often as its timer starts it."""

from __future__ import annotations

import json
import random
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.loopback import free_port, influxdb_configuration
from sandbox.toolchain.influxdb import shortfall
from tests.dashboards.conftest import running, wait_for
from tests.support import rollup
from tests.support.serving import serving
from tests.userdata.test_timestream import Managed, managed  # noqa: F401
from userdata.templates import render, shell, without_comments

pytestmark = pytest.mark.live

HOUR, DAY = 3600, 86400
LOGIN = ("grafana", "password of grafana")
NAMES = ("m\\\nx", "_name", "/.*/", "a\\\\b", '"q"', "a=b", "\\#c", "ä\u2028b", "d\\,e\\ f")
"""Names of measurements in line protocol; anyone with the agents' password can write them."""
ODD = 'a "quoted\\ text"\nin two lines, ä'


class Server:
    """An InfluxDB 1.x, or the 1.x API of another."""

    def __init__(self, url: str, login: tuple[str, str] = LOGIN) -> None:
        self.url, self.login = url, login

    def write(self, *lines: str, policy: str = "") -> None:
        path = f"{self.url}/write?db=telegraf&precision=s&rp={policy}"
        written = requests.post(path, data="\n".join(lines).encode(), auth=self.login, timeout=20)
        assert written.status_code == 204, written.text

    def ask(self, query: str) -> list[dict[str, Any]]:
        asked = {"db": "telegraf", "q": query, "epoch": "s"}
        answer = requests.post(f"{self.url}/query", data=asked, auth=self.login, timeout=20)
        (result,) = answer.json()["results"]
        assert "error" not in result, result
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def content(self, measurement: str = "/.*/", where: str = "") -> dict[str, list[dict[str, Any]]]:
        """All points by measurement and tags, except what the server writes about its InfluxDB itself."""
        return {
            json.dumps([each["name"], *sorted((tag, name) for tag, name in each.get("tags", {}).items() if name)]): [
                {name: value for name, value in zip(each["columns"], row, strict=True) if value is not None}
                for row in each["values"]
            ]
            for each in self.ask(f"SELECT * FROM {measurement} {where} GROUP BY *")  # noqa: S608
            if each["name"] not in ("moving", "rollup")
        }


@contextmanager
def started(folder: Path, options: str = "") -> Iterator[Server]:
    """A running InfluxDB with an empty database. options: lines of its section [http]."""
    folder.mkdir()
    http = free_port()
    written = influxdb_configuration(folder, http)
    assert written.count("[http]\n") == 1
    (folder / "influxdb.conf").write_text(written.replace("[http]\n", f"[http]\n{options}"))
    with running("influxd", "-config", folder / "influxdb.conf"):
        wait_for(f"http://127.0.0.1:{http}")
        one = Server(f"http://127.0.0.1:{http}")
        one.ask("CREATE DATABASE telegraf")
        yield one


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    with started(tmp_path / "own") as one:
        one.ask('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION 30d SHARD DURATION 1d DEFAULT')
        one.ask(rollup.CREATE)
        yield one


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Server]:
    """It accepts requests of up to one megabyte, a frequent limit of proxies."""
    with started(tmp_path / "other", "max-body-size = 1048576\n") as one:
        yield one


@pytest.fixture
def second(managed: Managed) -> Server:  # noqa: F811
    """An InfluxDB 2.7 with users for the 1.x API."""
    if shortfall():
        pytest.skip("InfluxDB 2 cannot be built here either: compilers are missing")
    assert managed.set_up(kept="0 604800").returncode == 0
    return Server(managed.url)


class Copier:
    """The script as the server has it."""

    def __init__(self, folder: Path, own: Server, other: Server) -> None:
        self.folder, self.own, self.other = folder, own, other
        self.state_file = folder / "state.json"
        (folder / "influxdb-administrator").write_text("telegraf secret\n")
        (folder / "influxdb-other").write_text("telegraf\npassword of telegraf\ngrafana\npassword of grafana\n")
        for name in ("influxdb_engine.py", "moving_engine.py"):
            (folder / name).write_text(without_comments(render(f"server/{name}")))
        self.show("own")

    def show(self, which: str, database: str = "telegraf") -> None:
        """Write the settings in which dashboards show this one, `own` or `other`."""
        known = {"MACHINE": "monitoring", "TARGET": self.own.url, "TARGET_CA": "", "DATABASE": "telegraf"}
        known |= {"OTHER": self.other.url, "OTHER_CA": "", "OTHER_DATABASE": database, "SHOWN": which}
        known["ROLLUP"] = f"{30 * DAY} {360 * DAY} {DAY}"
        (self.folder / "server.conf").write_text(shell(known) + without_comments(render("server/curl.sh")))

    def start(self, **constants: float) -> subprocess.Popen[str]:
        script = without_comments(render("server/moving.py"))
        replaced = {
            '"/etc/monitoring"': f'"{self.folder}"',
            '"/srv/monitoring/influxdb-moving.json"': f'"{self.state_file}"',
            '["systemctl", "stop", "influxdb-rollup"]': '["true"]',
        }
        for name, value in constants.items():
            (line,) = [line for line in script.splitlines() if line.startswith(f"{name} = ")]
            replaced[line] = f"{name} = {value}"
        for before, after in replaced.items():
            assert script.count(before) == 1, before
            script = script.replace(before, after)
        (self.folder / "influxdb-moving").write_text(script)
        command = [sys.executable, "-W", "error", str(self.folder / "influxdb-moving")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, expected: int = 0, **constants: float) -> str:
        """Run the script and return what it prints."""
        with self.start(**constants) as process:
            said, complaint = process.communicate(timeout=300)
        assert process.returncode == expected, complaint
        return said + complaint

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.state_file.read_text()))


@pytest.fixture
def copier(tmp_path: Path, own: Server, other: Server) -> Copier:
    return Copier(tmp_path, own, other)


def system(host: str, begin: int, end: int, interval: int = 60) -> list[str]:
    return [f"system,host={host} uptime={at}i,load5={random.random()} {at}" for at in range(begin, end, interval)]  # noqa: S311


def past(server: Server, days: int) -> int:
    """Write two hosts' measurements of some days, of every type, and older means; returns the present time."""
    now = int(time.time())
    for host in ("web-1", "db-1"):
        for day in range(days):
            begin = now - (days - day) * DAY
            server.write(*system(host, begin, begin + DAY))
    text = ODD.replace("\\", "\\\\").replace('"', '\\"')
    server.write(
        "odd\\ name\\,x,my\\ tag=a\\=b\\,\\ c,host=ä "
        f'field\\ one="{text}",on=true,n=9007199254740993i,f=1e300 {now - HOUR}',
        f"disk,path=/ free=5i,used=2 {now - 30}",
        *(f"{name},a\\\nb=c,host=a host=1,v\\\n=2i {now - HOUR}" for name in NAMES),
    )
    for at in range(now - 60 * DAY, now - 600, HOUR):
        server.write(
            f"system,host=web-1 uptime={at}.25,uptime_max={at}i,load5=0.5,points=30i {at // 300 * 300}", policy="rollup"
        )
    return now


def both(copier: Copier, now: int, since: int) -> None:
    """Check that the other InfluxDB has all that the own one has of this time."""
    where = f"WHERE time >= {since}s AND time < {now - 90}s"
    ours, theirs = copier.own.content(where=where), copier.other.content(where=where)
    assert ours
    for series, values in ours.items():
        assert theirs[series] == values, series


def test_everything_is_copied_with_its_type(copier: Copier) -> None:
    now = past(copier.own, 3)
    assert "missing=0i" in copier.run()
    both(copier, now, now - 3 * DAY)
    ((odd,),) = copier.other.content('"odd name,x"').values()
    assert odd == {
        "time": now - HOUR,
        "f": 1e300,
        "field one": ODD,
        "n": 9007199254740993,
        "on": True,
    }
    types = {each["name"]: dict(each["values"]) for each in copier.other.ask("SHOW FIELD KEYS")}
    assert types["system"] == {"uptime": "integer", "uptime_max": "integer", "load5": "float", "points": "integer"}
    assert copier.state["missing"] == {}
    (progress,) = copier.own.ask("SELECT last(missing) AS missing, behind, problem FROM moving WHERE of = ''")
    assert progress["values"][0][1:] == [0, 0, "everything is copied"]
    compared = copier.other.ask("SELECT last(compared) FROM moving WHERE of = 'system'")
    assert compared[0]["values"][0][1] >= 2 * 3 * 1440 * 2


def test_what_the_server_writes_about_its_influxdb_is_not_copied(copier: Copier) -> None:
    now = past(copier.own, 1)
    for each in ("influxdb_probe", "rollup"):
        copier.own.write(f"{each} value=1i {now - HOUR}")
    copier.run()
    assert copier.state["missing"] == {}
    (measurements,) = copier.other.ask("SHOW MEASUREMENTS")
    assert {name for (name,) in measurements["values"]} & {"influxdb_probe", "rollup"} == set()
    assert ["moving"] in measurements["values"]


def test_means_older_than_the_raw_data_are_copied(copier: Copier) -> None:
    now = past(copier.own, 3)
    copier.run()
    first = copier.state["raw"]
    means = copier.own.content("telegraf.rollup.system", f"WHERE time < {first}s")
    (rows,) = means.values()
    (copies,) = copier.other.content("system", f"WHERE time < {first}s").values()
    assert len(rows) > 56 * 24
    for mean, copy in zip(rows, copies, strict=True):
        assert copy == {**mean, "uptime": int(mean["uptime"])}, "an integer, as in raw data"
    newer = copier.other.content("system", f"WHERE time >= {first}s AND time < {now}s")
    assert "uptime_max" not in str(newer)


def test_an_interrupted_copy_is_continued_and_copying_again_changes_nothing(copier: Copier) -> None:
    now = past(copier.own, 6)
    process = copier.start(LINES=50)
    while not copier.state_file.exists() or copier.state["copied"] < now - 5 * DAY:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    reached = copier.state["copied"]
    assert reached < now - DAY
    assert "missing=0i" in copier.run()
    assert copier.state["values"]["system"] >= 2 * 6 * 1440 * 2
    both(copier, now, now - 6 * DAY)
    before = copier.other.content()
    copier.state_file.unlink()
    copier.run()
    assert copier.other.content() == before


def test_a_run_ends_after_its_time_budget(copier: Copier) -> None:
    now = past(copier.own, 2)
    said = copier.run(BUDGET=0.001)
    assert "behind=0i" not in said
    assert copier.state["copied"] < now - DAY
    assert "behind=0i" in copier.run()


def test_few_points_are_copied_in_long_parts_however_slow_queries_are(copier: Copier) -> None:
    past(copier.own, 3)

    def queries() -> int:
        (found,) = copier.own.ask("SHOW STATS FOR 'httpd'")
        return int(dict(zip(found["columns"], found["values"][0], strict=True))["queryReq"])

    before = queries()
    assert "behind=0i" in copier.run(SHORT=0)
    assert queries() - before < 100, "one per day, not one per hour"


def test_late_points_are_copied(copier: Copier) -> None:
    now = past(copier.own, 2)
    copier.run()
    copier.own.write(*system("late-1", now - 5 * HOUR, now - 3 * HOUR))
    copier.run()
    assert "late-1" not in str(copier.other.content())
    copier.run(NOW=int(time.time()) + HOUR + 1)
    both(copier, now, now - 2 * DAY)


def test_a_database_that_stacks_share_is_compared_correctly(copier: Copier) -> None:
    """The other InfluxDB has more points of every measurement than the own one: those of another stack's hosts."""
    now = int(time.time())
    copier.other.write(*system("theirs-1", now - 2 * DAY, now, 20))
    copier.own.write(*system("web-1", now - 2 * DAY, now))
    copier.run()
    both(copier, now, now - 2 * DAY)


def test_refused_points_are_counted_and_reported(copier: Copier) -> None:
    now = int(time.time())
    copier.other.write(f'system,host=web-1 load5="text" {now - HOUR - 5}')
    copier.own.write(*system("web-1", now - 2 * HOUR, now))
    said = copier.run()
    assert "field type conflict" in said
    assert sum(copier.state["missing"][max(copier.state["missing"])].values()) > 0
    copier.other.ask("DROP MEASUREMENT system")
    assert "missing=0i" in copier.run(NOW=int(time.time()) + HOUR + 1)
    both(copier, now, now - 2 * HOUR)


def test_what_is_older_than_the_retention_is_left_out(copier: Copier) -> None:
    now = past(copier.own, 5)
    copier.other.ask('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION 2d SHARD DURATION 1d DEFAULT')
    said = copier.run()
    assert "missing=0i" in said
    assert "its retention there: 48 h" in said
    both(copier, now, now - 2 * DAY + 2 * HOUR)


ANSWERS = (
    b"",
    b"no HTTP at all\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"results":[{"statement_id":0,"ser',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n90\r\n{"results":[{"statement_id":0,"ser',
    b'HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{"results":[{"statement_id": 0}]}',
)


class Answering(socketserver.BaseRequestHandler):
    """Answers every request with the same bytes and hangs up."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(self.server.answer)  # type: ignore[attr-defined]


def test_an_influxdb_that_does_not_answer_properly_is_reported(copier: Copier) -> None:
    copier.other.url = "http://127.0.0.1:9"
    copier.show("own")
    assert "monitoring: moving: " in copier.run(expected=1)
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Answering)) as server:
        copier.other.url = f"http://127.0.0.1:{server.server_address[1]}"
        copier.show("own")
        for server.answer in ANSWERS:  # type: ignore[attr-defined]
            (line,) = copier.run(expected=1).splitlines()
            assert line.startswith("monitoring: moving: ")
            assert "password" not in line


def test_a_field_with_different_types_in_different_shards_keeps_both(copier: Copier) -> None:
    now = int(time.time())
    copier.own.write(*(f"m v={number},w={number}i,x={number},y=true {now - 15 * DAY + number}" for number in range(9)))
    copier.own.write(*(f'm v={number}i,w={number}.5,x="{number}",y={number} {now - HOUR}' for number in range(9)))
    assert "missing=0i" in copier.run()
    for ago in (15 * DAY, HOUR):
        both(copier, now - ago + HOUR, now - ago - HOUR)
    kinds = {tuple(kind) for each in copier.other.ask("SHOW FIELD KEYS FROM m") for kind in each["values"]}
    assert kinds == {
        *(("v", "float"), ("v", "integer"), ("w", "float"), ("w", "integer")),
        *(("x", "float"), ("x", "string"), ("y", "boolean"), ("y", "float")),
    }


def test_points_that_exceed_one_request_are_copied(copier: Copier) -> None:
    now = int(time.time())
    copier.own.write(*(f'm v="{"x" * 60_000}" {now - HOUR + number}' for number in range(50)))
    assert "missing=0i" in copier.run()
    both(copier, now, now - HOUR)


def test_a_point_of_1970_is_copied_and_empty_decades_take_no_time(copier: Copier) -> None:
    copier.own.ask('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION INF')
    now = int(time.time())
    copier.own.write("clock v=1i 0", *system("web-1", now - 3 * HOUR, now))
    assert "missing=0i,behind=0i" in copier.run(BUDGET=20)
    both(copier, now, 0)


def test_the_copy_starts_over_if_its_state_is_unusable(copier: Copier) -> None:
    now = int(time.time())
    copier.own.write(*system("web-1", now - 2 * DAY, now))
    copier.other.ask('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION 1d SHARD DURATION 1h')
    assert "its retention there" in copier.run()
    copier.other.ask('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION INF SHARD DURATION 7d')
    assert "its retention there" not in copier.run()
    both(copier, now, now - 2 * DAY)
    for broken in ("", "[]", "\x00\x00"):
        copier.other.ask("DROP MEASUREMENT system")
        copier.state_file.write_text(broken)
        copier.run()
        both(copier, now, now - 2 * DAY)
    copier.other.ask("CREATE DATABASE another")
    copier.show("own", "another")
    assert "missing=0i" in copier.run()
    (found,) = copier.other.ask("SELECT count(load5) FROM another..system WHERE host = 'web-1'")
    assert found["values"][0][1] > 2 * 1440 - 5


def test_after_a_clock_was_days_ahead_nothing_is_missing(copier: Copier) -> None:
    now = past(copier.own, 1)
    copier.run(NOW=now + 9 * DAY)
    copier.own.write(*system("new-1", now - 80, now + 80, 10))
    assert "missing=0i" in copier.run(NOW=now + 200)
    both(copier, now + 200, now - DAY)


def test_to_influxdb_2_and_back(tmp_path: Path, own: Server, second: Server) -> None:
    """Including what only the other one received in between."""
    copier = Copier(tmp_path, own, second)
    now = past(own, 3)
    said = copier.run()
    assert "missing=0i" in said, said
    both(copier, now, now - 3 * DAY)
    Server(second.url, ("telegraf", "password of telegraf")).write(*system("new-1", now - 2 * DAY, now - 100))
    copier.show("other")
    own.ask("DROP MEASUREMENT disk")
    own.write("rollup since=0i,until=1i")
    assert "missing=0i" in copier.run()
    since = f"WHERE time > {now - 29 * DAY}s AND time < {now - 90}s"
    ours, theirs = own.content(where=since), second.content(where=since)
    assert theirs
    for series, values in theirs.items():
        assert ours[series] == values, series
    assert own.ask("SELECT * FROM rollup") == [], "down-sampling starts over"


def test_to_another_influxdb_1_and_back(copier: Copier) -> None:
    now = past(copier.own, 3)
    copier.run()
    copier.other.write(*system("new-1", now - 2 * DAY, now - 100))
    copier.show("other")
    copier.own.ask("DELETE FROM system WHERE time < now() - 1d")
    copier.own.ask("DROP MEASUREMENT disk")
    assert "missing=0i" in copier.run()
    since = f"WHERE time > {now - 3 * DAY}s AND time < {now - 90}s"
    ours, theirs = copier.own.content(where=since), copier.other.content(where=since)
    assert theirs
    for series, values in theirs.items():
        assert ours[series] == values, series
