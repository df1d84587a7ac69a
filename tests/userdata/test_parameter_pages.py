"""The boot script reads its parameters although every other request for a page fails."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from userdata.templates import FOLDER

PAGES, EACH = 5, 10


class Store(ThreadingHTTPServer):
    """A parameter store in whose answers every other one is `failure`."""

    failure = 500
    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:  # http.server's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        answer: dict[str, Any]
        if self.server.asked % 2:
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
    server = Store(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("failure", [400, 500, 503])
def test_half_of_the_pages_fail_and_all_parameters_are_read(store: Store, tmp_path: Path, failure: int) -> None:
    """400 is what SSM says when it throttles (docs.aws.amazon.com/general/latest/gr/api-retries.html)."""
    store.failure = failure
    script = (FOLDER / "boot.sh").read_text()
    functions = "".join(
        re.findall(rf"^{name}\(\) {{.*?\n?}}\n", script, re.DOTALL | re.MULTILINE)[0]
        for name in ("curl", "page", "parameters")
    )
    around = f"""set -Eeuo pipefail
work={tmp_path} REGION=eu-central-1 SSM=http://127.0.0.1:{store.server_address[1]}/
credentials() {{ echo 'user = "key:secret"'; }}
"""
    done = subprocess.run(
        ["bash", "-c", f"{around}{functions}parameters /a/b $work/values"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = {file.name: file.read_text() for file in (tmp_path / "values").iterdir()}
    assert found == {f"p{number}": f"v{number}" for number in range(PAGES * EACH)}
    assert store.asked == 2 * PAGES
