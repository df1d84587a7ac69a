"""Down-sampling: the script against a real InfluxDB, started as often as its timer starts it."""

from __future__ import annotations

import json
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboards.queries import ROLLUP
from dashboards.registry import LINUX_HOSTS
from sandbox.loopback import free_port, influxdb_configuration
from sandbox.viewer.queries import AsIs, TimeRange, panel_queries
from tests.alerts.conftest import rule_of
from tests.dashboards.conftest import program, running, wait_for
from tests.support import rollup
from tests.support.certificates import CA, certificate_text, ec_key, key_text, signed

pytestmark = pytest.mark.live

STEP = 300
HOUR = 3600
NOW = END = 0
"""When the test began, and the end of the last step that had ended then."""


@pytest.fixture(autouse=True)
def moment() -> None:
    """Set NOW and END for each test, which can run long after it was collected, so that no step ends while it runs."""
    global NOW, END  # noqa: PLW0603
    while (int(time.time()) - 90) % STEP > STEP - 45:
        time.sleep(1)
    NOW = int(time.time())
    END = (NOW - 90) // STEP * STEP


class Server:
    """An InfluxDB with both policies, and the script as the server has it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        rollup.install(folder)
        self.configure()
        self.ask_all("CREATE DATABASE telegraf", rollup.CREATE)

    def configure(self, **changed: Any) -> None:
        """Write server.conf."""
        rollup.configure(self.folder, self.url, **changed)

    def run(self, expected: int = 0) -> str:
        """Run the script and return what it prints to standard error."""
        return rollup.run(self.folder, expected)

    def write(self, *lines: str) -> None:
        written = requests.post(f"{self.url}/write?db=telegraf&precision=s", data="\n".join(lines), timeout=20)
        assert written.status_code == 204, written.text

    def ask_all(self, *statements: str) -> None:
        """Run statements that change something."""
        for statement in statements:
            answer = requests.post(f"{self.url}/query", params={"q": statement}, timeout=20)
            assert "error" not in answer.text, answer.text

    def ask(self, query: str) -> list[dict[str, Any]]:
        asked = {"db": "telegraf", "q": query, "epoch": "s"}
        (result,) = requests.get(f"{self.url}/query", params=asked, timeout=20).json()["results"]
        assert "error" not in result, result
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def rows(self, query: str) -> list[list[Any]]:
        return [row for series in self.ask(query) for row in series["values"]]

    def points(self, policy: str, what: str) -> int:
        """A number about the points of all hosts in a policy."""
        ((_, found),) = self.rows(f'SELECT {what} FROM {policy}."system"') or [[0, 0]]  # noqa: S608
        return int(found)


def system(host: str, begin: int, end: int, interval: int = 10) -> list[str]:
    """A host's points, whose uptime and load are their time."""
    return [f"system,host={host} uptime={at}i,load5={at}.5 {at}" for at in range(begin, end, interval)]


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    http = free_port()
    settings = folder / "influxdb.conf"
    settings.write_text(influxdb_configuration(folder, http))
    with running("influxd", "-config", settings):
        wait_for(f"http://127.0.0.1:{http}")
        yield Server(folder, f"http://127.0.0.1:{http}")


def test_an_authority_without_key_identifiers_is_trusted_and_the_administrator_logs_in(tmp_path: Path) -> None:
    """Settings accept such an authority, as do Telegraf and Grafana."""
    http, ca, pem, settings = free_port(), str(tmp_path / "ca.pem"), tmp_path / "server.pem", tmp_path / "influxdb.conf"
    url = f"https://localhost:{http}"
    pem.write_text(key_text(ec_key()) + certificate_text(signed(ec_key(), names=("localhost",))))
    pem.chmod(0o600)
    Path(ca).write_text(CA)
    options = ("auth-enabled = true", "https-enabled = true", f'https-certificate = "{pem}"')
    settings.write_text(influxdb_configuration(tmp_path, http, http_options=options))
    rollup.install(tmp_path)
    rollup.configure(tmp_path, url, ca=ca)
    with running("influxd", "-config", settings):
        wait_for(url, ca)
        user = "CREATE USER admin WITH PASSWORD 'secret' WITH ALL PRIVILEGES"
        for statement, login in ((user, None), (f"CREATE DATABASE telegraf; {rollup.CREATE}", ("admin", "secret"))):
            requests.post(f"{url}/query", params={"q": statement}, auth=login, verify=ca, timeout=20)
        rollup.run(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with started(tmp_path) as one:
        yield one


def test_what_cannot_be_down_sampled_does_not_stop_the_rest(server: Server) -> None:
    """Anyone with the agents' password can write such names, and another type into a new shard."""
    server.ask_all('ALTER RETENTION POLICY "autogen" ON "telegraf" SHARD DURATION 1h')
    for ago in (2 * HOUR, 0):
        at = END - STEP - ago
        free = "5i" if ago else '"full"'
        server.write(
            *(f"{name} v={at} {at}" for name in ("_name", "m\\\nx", '"q"', "zz")),
            f"disk free={free},used=7 {at}",
            *system("web-1", at, at + STEP),
        )
    said = server.run()
    assert "unable to use system source '_name'" in said
    assert "iterator type: *query.stringInterruptIterator" in said
    for ago in (2 * HOUR, 0):
        where = f"WHERE time >= {END - STEP - ago}s AND time < {END - ago}s"
        for name in ("system", "zz", '\\"q\\"', "m\\\\\\nx"):
            assert server.rows(f'SELECT * FROM rollup."{name}" {where}'), (name, ago)  # noqa: S608
    assert server.rows("SELECT free FROM rollup.disk") == [[END - STEP - 2 * HOUR, 5]]


def test_a_step_has_the_mean_under_the_field_s_name_and_the_maximum_next_to_it(server: Server) -> None:
    begin = END - 2 * STEP
    server.write(*system("web-1", begin, END + 60))
    server.write(
        *(f'disk,host=web-1,path=/ used_percent=5,free={at}i,label="x",mounted=true {at}' for at in (begin, END - 1)),
        f'odd\\ name,host=web-1 my\\ "own"=3,x_max=1,x=2 {begin}',
        f"rollup_unknown,host=web-1 y=1 {END + 1}",
        f"influxdb_probe,host=monitoring milliseconds=5i {begin}",
    )
    server.run()
    assert server.rows('SELECT uptime, uptime_max, load5, points FROM rollup."system"') == [
        [begin, begin + 145, begin + 290, begin + 145.5, 30],
        [begin + STEP, begin + STEP + 145, begin + STEP + 290, begin + STEP + 145.5, 30],
    ], "and no step that has not ended"
    (disk,) = server.ask('SELECT * FROM rollup."disk" GROUP BY path')
    assert disk["tags"] == {"path": "/"}
    assert set(disk["columns"]) == {"time", "host", "free", "free_max", "used_percent", "used_percent_max"}
    assert server.rows('SELECT "my \\"own\\"", x, x_max FROM rollup."odd name"') == [[begin, 3, 2, 1]]
    assert {row[0] for row in server.rows("SHOW MEASUREMENTS")} >= {"rollup", "system"}
    looked_for = rule_of("server-rollup").steps[0]
    within = f"time > now() - {looked_for.span}s"
    assert server.rows(looked_for.model["query"].replace("$timeFilter", within)), "the alert rule finds the run"
    assert server.points("rollup", "sum(points)") == 60
    assert server.ask('SELECT * FROM rollup."influxdb_probe"') == [], "which is only needed for a short time"


def test_points_that_arrive_late_are_included(server: Server) -> None:
    """An hour of one host's points from its buffer, and a single point of a step that had been made already."""
    begin = END - 2 * HOUR
    server.write(*system("web-1", begin, NOW))
    server.write(*system("db-1", begin, begin + HOUR))
    server.run()
    assert server.points("rollup", "sum(points)") == server.points("autogen", "count(uptime)") - (NOW - END + 9) // 10
    whole = server.rows("SELECT * FROM rollup.\"system\" WHERE host = 'web-1'")
    server.write(*system("db-1", begin + HOUR, END))
    server.write(*system("db-2", begin + 7 * STEP + 1, begin + 7 * STEP + 2))
    server.run()
    db = server.rows('SELECT sum(points) FROM rollup."system" WHERE host =~ /db/ GROUP BY host')
    assert [found for _, found in db] == [720, 1]
    assert server.rows("SELECT uptime, points FROM rollup.\"system\" WHERE host = 'db-2'") == [
        [begin + 7 * STEP, begin + 7 * STEP + 1, 1]
    ]
    assert server.rows("SELECT * FROM rollup.\"system\" WHERE host = 'web-1'") == whole, "made again, and the same"


def test_after_a_pause_the_script_continues_where_it_ended(server: Server) -> None:
    """However long ago that was: three hours here, more than the one that agents keep points."""
    begin = END - 5 * HOUR
    server.configure(late=HOUR)
    server.write(*system("web-1", begin, END))
    server.run()
    (row,) = server.rows("SELECT until FROM rollup")
    state = f'rollup policy="\\"rollup\\".",since=0i,longer=0i,raw=0i,until={END - 3 * HOUR}000i {row[0]}'
    server.write(state, *system("web-2", begin, END))
    server.run()
    found = server.rows("SELECT points FROM rollup.\"system\" WHERE host = 'web-2'")
    assert [at for at, _ in found] == list(range(END - 3 * HOUR, END, STEP))


def test_older_data_is_filled_in_backwards_and_continued_after_an_interruption(server: Server) -> None:
    begin = END - 5 * HOUR - 200
    server.write(*system("web-1", begin, NOW, 60))
    rollup.install(server.folder, BUDGET=0.001)
    server.run()
    ((_, since),) = server.rows("SELECT since FROM rollup")
    assert since == (END - HOUR) * 1000, "one hour within that time"
    assert not chosen(server, begin, NOW), "while a part is missing, raw data is read"
    rollup.install(server.folder, CHUNK=600)
    server.run()
    assert server.rows("SELECT since FROM rollup")[0][1] == 0
    steps = server.rows('SELECT points FROM rollup."system"')
    assert [at for at, _ in steps] == list(range(begin // STEP * STEP, END, STEP))
    assert {points for _, points in steps[1:]} == {5}
    assert server.run() == "", "nothing is left to do"


@pytest.mark.parametrize("hours", [6, -6], ids=["ahead", "behind"])
def test_a_clock_that_was_temporarily_hours_wrong_has_no_lasting_effect(server: Server, hours: int) -> None:
    """The clock is right, then wrong while older data is filled in, then right again."""
    begin = END - 30 * HOUR
    server.write(*system("web-1", begin, END, 60))
    rollup.install(server.folder, BUDGET=0.001)
    server.run()
    rollup.install(server.folder, BUDGET=0.001, NOW=NOW + hours * HOUR)
    server.run()
    rollup.install(server.folder, CHUNK=10 * HOUR)
    server.run()
    steps = server.rows('SELECT points FROM rollup."system"')
    assert [at for at, _ in steps] == list(range(begin, END, STEP))
    assert {points for _, points in steps} == {5}
    rolled = ['"rollup".', "_max"]
    assert chosen(server, NOW - 20 * HOUR, NOW) == rolled
    rollup.install(server.folder, BUDGET=0.001)
    server.run()
    assert chosen(server, NOW - 20 * HOUR, NOW) == rolled, "also while it fills in again"


def chosen(server: Server, begin: int, end: int) -> list[str]:
    """The values of the dashboards' hidden variables for this time, in seconds; [] for raw data."""
    found = []
    for name in ("policy", "peak"):
        query = ROLLUP.format(field=name).replace("${__from}", f"{begin}000").replace("${__to}", f"{end}000")
        found += [value for _, value in server.rows(query)]
    return found


def test_dashboards_read_it_for_more_than_18_hours_and_for_times_before_raw_data(server: Server) -> None:
    assert chosen(server, NOW - 90 * 86400, NOW) == [], "without the policy: raw data, and no error"
    server.configure(retention="10d")
    server.write(*system("web-1", END - HOUR, END, 60))
    server.run()
    rolled = ['"rollup".', "_max"]
    assert chosen(server, NOW - 18 * HOUR, NOW) == []
    assert chosen(server, NOW - 18 * HOUR - 1, NOW) == rolled
    assert chosen(server, NOW - 9 * 86400, NOW - 9 * 86400 + HOUR) == []
    assert chosen(server, NOW - 11 * 86400, NOW - 11 * 86400 + HOUR) == rolled


def test_the_panel_of_when_hosts_reported_shows_the_same_from_it_as_from_raw_data(server: Server) -> None:
    """Over a day, including the step after END, which is not in the policy yet."""
    begin = END - 26 * HOUR
    server.write(*system("steady", begin, NOW, 60), *system("gone", begin, END - 3 * HOUR, 60))
    server.write(*system("back", begin, END - 9 * HOUR, 60), *system("back", END - 7 * HOUR, NOW, 60))
    server.write(*system("new", END - 2 * STEP, NOW, 60))
    server.run()
    shown = TimeRange((NOW - 24 * HOUR) * 1000, (END + STEP - 1) * 1000)
    dashboard = json.loads(LINUX_HOSTS.build())

    def silent(policy: str) -> dict[str, list[int]]:
        values: dict[str, str | list[str]] = {"host": ["steady", "gone", "back", "new"], "policy": AsIs(policy)}
        asked = [each for each in panel_queries(dashboard, values, shown) if each.title == "When hosts reported"]
        (text,) = (each.influxql() for each in asked)
        assert text.count('"rollup".') == (2 if policy else 0)
        return {each["tags"]["host"]: [at for at, points in each["values"] if not points] for each in server.ask(text)}

    rolled = silent('"rollup".')
    assert {host: len(steps) for host, steps in rolled.items()} == {"gone": 37, "back": 24}, "only hosts with gaps"
    assert rolled["back"] == list(range(END - 9 * HOUR, END - 7 * HOUR, STEP))
    assert rolled == silent("")


def test_no_step_is_made_that_is_older_than_either_retention(server: Server) -> None:
    """InfluxDB would refuse it with "points beyond retention policy"."""
    server.write(*system("web-1", END - 12 * HOUR, END, 60))
    server.configure(retention="4h")
    server.run()
    steps = [at for at, _ in server.rows('SELECT uptime FROM rollup."system"')]
    assert NOW - 4 * HOUR - STEP <= steps[0] <= NOW - 4 * HOUR + STEP
    assert steps[-1] == END - STEP


def test_down_sampling_adds_a_single_series(server: Server) -> None:
    """All policies of a database share its index, and its limit of series (max-series-per-database)."""
    for host in range(20):
        server.write(*system(f"web-{host}", END - STEP, END, 60))
    before = server.rows("SHOW SERIES EXACT CARDINALITY")
    server.run()
    assert sum(count for (count,) in server.rows("SHOW SERIES EXACT CARDINALITY")) == sum(c for (c,) in before) + 1


def test_a_run_that_influxdb_refuses_says_why_and_the_next_one_continues(server: Server) -> None:
    server.write(*system("web-1", END - HOUR, END, 60))
    server.ask_all("DROP RETENTION POLICY rollup ON telegraf")
    assert f"monitoring: roll-up: {server.url}: retention policy not found: rollup" in server.run(expected=1)
    server.ask_all(rollup.CREATE)
    server.run()
    assert server.points("rollup", "sum(points)") == 60
    server.url = "http://127.0.0.1:9"
    server.configure()
    assert "monitoring: roll-up: " in server.run(expected=1)


def test_a_backup_contains_it_and_the_script_continues_after_the_restore(server: Server, tmp_path: Path) -> None:
    """A portable backup, as backup.sh makes it, is restored as in restore.sh: into an InfluxDB without the database."""
    server.write(*system("web-1", END - 2 * HOUR, END))
    server.run()
    everything = 'SELECT * FROM rollup."system"'
    copy = tmp_path / "backup"
    influxd("backup", server.folder, copy)
    with started(tmp_path / "another") as another:
        another.ask_all("DROP DATABASE telegraf")
        influxd("restore", another.folder, copy)
        assert another.rows(everything) == server.rows(everything)
        assert another.points("rollup", "sum(points)") == 720
        assert another.rows("SELECT * FROM rollup") == server.rows("SELECT * FROM rollup")
        (kept,) = [row for row in another.rows("SHOW RETENTION POLICIES") if row[0] == "rollup"]
        assert kept[1:3] == ["8640h0m0s", "168h0m0s"]
        another.write(*system("web-2", END - STEP, END))
        another.run()
        assert another.points("rollup", "sum(points)") == 720 + 30


def influxd(verb: str, folder: Path, copy: Path) -> None:
    """Run `influxd backup` or `influxd restore` with the InfluxDB in the folder."""
    settings = tomllib.loads((folder / "influxdb.conf").read_text())
    command = [program("influxd"), verb, "-portable", "-host", settings["bind-address"], str(copy)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
