"""The script that sets up the InfluxDB that AWS runs, against a real InfluxDB 2.7."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import toolchain
from sandbox.loopback import free_port
from sandbox.toolchain.influxdb import shortfall
from sandbox.toolchain.recipes import FOR_TESTS
from tests.support.waiting import eventually
from userdata.templates import render

pytestmark = pytest.mark.slow

LOGIN = {"organization": "monitoring", "bucket": "telegraf", "username": "admin", "password": "of the administrator"}
WRITES, READS = "password of telegraf", "password of grafana"
POINT = "system,host=a uptime=1"


@dataclass
class Managed:
    """An InfluxDB as AWS creates it: with an administrator, an organization and a bucket. folder: for files."""

    url: str
    folder: Path

    def set_up(
        self,
        users: tuple[str, str] = ("telegraf", "grafana"),
        kept: str = "2592000 86400",
        in_use: str = "all",
        **login: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the script as the boot does. kept: the bucket's retention and shard duration, in seconds."""
        script = self.folder / "timestream.py"
        script.write_text(render("server/timestream.py"))
        for user in ("telegraf", "grafana"):
            (self.folder / f"influxdb-{user}-password").write_text(f"password of {user}")
        answer = json.dumps({"SecretString": json.dumps({**LOGIN, **login})})
        command = [sys.executable, str(script), self.url, *users, kept, in_use, str(self.folder)]
        return subprocess.run(command, input=answer, capture_output=True, text=True, check=False, timeout=60)

    def write(self, user: str, password: str = WRITES) -> int:
        asked = {"db": "telegraf"}
        return requests.post(f"{self.url}/write", POINT, params=asked, auth=(user, password), timeout=60).status_code

    def read(self, user: str, password: str = READS) -> dict[str, Any]:
        asked = {"db": "telegraf", "q": 'SELECT last("uptime") FROM "telegraf"."autogen"."system"'}
        answer = requests.post(f"{self.url}/query", asked, auth=(user, password), timeout=60)
        return dict(answer.json())

    def administrator(self, path: str) -> Any:
        session = requests.Session()
        assert session.post(f"{self.url}/api/v2/signin", auth=(LOGIN["username"], LOGIN["password"]), timeout=60).ok
        return session.get(f"{self.url}/api/v2/{path}", timeout=60).json()


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    if shortfall():
        pytest.skip("InfluxDB 2 cannot be built here either: compilers are missing")
    folder = tmp_path_factory.mktemp("influxdb")
    made = Managed(f"http://127.0.0.1:{free_port()}", folder)
    files = {"--bolt-path": "bolt", "--engine-path": "engine", "--sqlite-path": "sqlite"}
    options = [word for name, file in files.items() for word in (name, str(folder / file))]
    options += ["--http-bind-address", made.url.removeprefix("http://"), "--reporting-disabled", "--log-level", "error"]
    with subprocess.Popen([toolchain.ensure(FOR_TESTS) / "influxd2", *options], env={"HOME": str(folder)}) as process:
        try:
            assert eventually(lambda: _answers(made.url))
            first = {"username": LOGIN["username"], "password": LOGIN["password"], "retentionPeriodSeconds": 0}
            first |= {"org": LOGIN["organization"], "bucket": LOGIN["bucket"]}
            assert requests.post(f"{made.url}/api/v2/setup", json=first, timeout=60).ok
            yield made
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=60).ok
    except requests.ConnectionError:
        return False


def worked(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""


def test_one_user_writes_and_one_reads(managed: Managed) -> None:
    assert managed.write("telegraf") == 401
    worked(managed.set_up())
    assert managed.write("telegraf") == 204
    assert managed.write("telegraf", "another") == 401
    assert managed.read("grafana")["results"][0]["series"][0]["values"][0][1] == 1
    assert managed.write("grafana", READS) == 403
    assert "series" not in str(managed.read("telegraf", WRITES))


def test_the_bucket_has_the_retention_of_the_settings(managed: Managed) -> None:
    for kept, every, shard in (("3600 3600", 3600, 3600), ("0 604800", 0, 604800), ("2592000 86400", 2592000, 86400)):
        worked(managed.set_up(kept=kept))
        (rule,) = managed.administrator("buckets?name=telegraf")["buckets"][0]["retentionRules"]
        assert (rule["everySeconds"], rule["shardGroupDurationSeconds"]) == (every, shard)


def test_a_second_run_changes_nothing(managed: Managed) -> None:
    def seen() -> list[Any]:
        org = managed.administrator("orgs")["orgs"][0]["id"]
        return [managed.administrator(f"dbrps?orgID={org}"), managed.administrator("buckets?name=telegraf")]

    worked(managed.set_up())
    before = seen()
    assert [each["retention_policy"] for each in before[0]["content"] if not each.get("virtual")] == ["autogen"]
    worked(managed.set_up())
    assert seen() == before


def test_old_users_are_removed_once_everything_uses_the_new_ones(managed: Managed) -> None:
    worked(managed.set_up())
    new = ("telegraf-2", "grafana-2")
    worked(managed.set_up(new, in_use="telegraf grafana"))
    assert (managed.write("telegraf"), managed.write("telegraf-2")) == (204, 204)
    worked(managed.set_up(new, in_use="telegraf-2 grafana-2"))
    assert (managed.write("telegraf"), managed.write("telegraf-2")) == (401, 204)
    worked(managed.set_up())


def test_an_error_is_reported_without_the_password(managed: Managed) -> None:
    done = managed.set_up(password="wrong password")
    assert done.returncode == 1
    assert done.stderr.startswith("POST api/v2/signin: 401")
    assert "wrong password" not in done.stderr
