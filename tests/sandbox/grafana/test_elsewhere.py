"""The same tests against another Grafana, here a separate double."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.grafana import elsewhere
from tests.sandbox.grafana.support import Authority, Grafana, running

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent


def run(grafana: Grafana, *files: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on files of this folder against that Grafana."""
    given = {"GRAFANA_URL": grafana.url, "GRAFANA_AUTH": f"{grafana.user}:{grafana.password}"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(FOLDER / file) for file in files)],
        env={**os.environ, **given, "GRAFANA_CA_CERT": str(grafana.ca), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_tests_about_grafana_run_against_it_and_leave_nothing_behind(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority, security__secret_key="key") as grafana:
        done = run(grafana, "test_content.py", "test_service_accounts.py", "test_certificates.py")
        assert done.returncode == 0, done.stdout
        passed, left_out = (int(re.findall(rf"(\d+) {word}", done.stdout)[0]) for word in ("passed", "deselected"))
        assert passed > 20
        assert left_out >= 3
        assert [kind.listed for kind in elsewhere.KINDS if kind.is_content and kind.keys(grafana)] == []
        # The requests went to that Grafana: its next id is higher.
        assert grafana.call("POST", "/api/folders", {"title": "New"}).json()["id"] > 5


def test_a_grafana_in_use_is_left_alone(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority) as grafana:
        grafana.call("POST", "/api/folders", {"uid": "theirs", "title": "Theirs"})
        done = run(grafana, "test_content.py")
        assert done.returncode == 2
        assert "is in use (/api/folders has theirs): set GRAFANA_URL to a new Grafana" in done.stdout
        assert grafana.call("GET", "/api/folders/theirs").json()["title"] == "Theirs"


@pytest.mark.parametrize(
    ("auth", "sentence"),
    [
        ("", "set GRAFANA_AUTH=USER:PASSWORD of its administrator"),
        ("admin:wrong", "does not accept admin (GRAFANA_AUTH) as its administrator"),
    ],
)
def test_no_test_runs_without_an_administrator_s_login(
    tmp_path: Path, authority: Authority, auth: str, sentence: str
) -> None:
    with running(tmp_path, authority) as grafana:
        done = run(grafana, "test_content.py", GRAFANA_AUTH=auth)
        assert done.returncode == 2
        assert sentence in done.stdout
        assert "wrong" not in done.stdout
