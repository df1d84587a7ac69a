"""The boot script reads its parameters even if every other request for a page fails."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import serving
from userdata.templates import FOLDER

pytestmark = pytest.mark.slow

PAGES, EACH = 5, 10


class Store(ThreadingHTTPServer):
    """A parameter store that answers every other request with the status `failure`."""

    failure = 500
    asked = 0
    broken: int | None = None
    """A page that always fails."""


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:  # http.server's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        answer: dict[str, Any]
        if self.server.asked % 2 or int(body.get("NextToken", 0)) == self.server.broken:
            status, answer = self.server.failure, {"__type": "ThrottlingException", "message": "Rate exceeded"}
        else:
            page = int(body.get("NextToken", 0))
            names = range(page * EACH, (page + 1) * EACH)
            found = [{"Name": f"/a/b/p{name}", "Version": 1, "Value": f"v{name}"} for name in names]
            status, answer = 200, {"Parameters": found}
            if page + 1 < PAGES:
                answer["NextToken"] = str(page + 1)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def store() -> Iterator[Store]:
    with serving(Store(("127.0.0.1", 0), Handler)) as server:
        yield server


def read(store: Store, folder: Path, command: str = "parameters /a/b $work/values") -> subprocess.CompletedProcess[str]:
    """Run a command that uses the boot script's own functions, which query the store."""
    script = (FOLDER / "boot.sh").read_text()
    functions = "".join(
        re.findall(rf"^{name}\(\) {{.*?\n?}}\n", script, re.DOTALL | re.MULTILINE)[0]
        for name in ("curl", "page", "parameters")
    )
    around = f"""set -Eeuo pipefail
work={folder} REGION=eu-central-1 SSM=http://127.0.0.1:{store.server_address[1]}/
credentials() {{ echo 'user = "key:secret"'; }}
"""
    return subprocess.run(
        ["bash", "-c", f"{around}{functions}{command}"], capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize("failure", [400, 500, 503])
def test_all_parameters_are_read_though_half_of_the_requests_fail(store: Store, tmp_path: Path, failure: int) -> None:
    """SSM answers 400 when it throttles (docs.aws.amazon.com/general/latest/gr/api-retries.html)."""
    store.failure = failure
    done = read(store, tmp_path)
    assert done.returncode == 0, done.stderr
    found = {file.name: file.read_text() for file in (tmp_path / "values").iterdir()}
    assert found == {f"p{number}": f"v{number}" for number in range(PAGES * EACH)}
    assert store.asked == 2 * PAGES


def test_a_page_that_never_comes_ends_the_reading(store: Store, tmp_path: Path) -> None:
    """Nothing is applied then: `read_parameters` fails, too. The boot script repeats it for two minutes and then
    reports the error; only what follows uses the values."""
    store.broken = PAGES - 1
    done = read(store, tmp_path, "if parameters /a/b $work/values; then echo applied; else echo again; fi")
    assert done.stdout == "again\n"
    assert "The requested URL returned error: 500" in done.stderr
    store.broken = None
    assert read(store, tmp_path, "if parameters /a/b $work/values; then echo applied; fi").stdout == "applied\n"
