"""Passwords and tags that settings accept, as the real Telegraf sends them and a fake InfluxDB receives them."""

from __future__ import annotations

import base64
import gzip
import os
import re
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sandbox import toolchain
from settings import values as v
from settings.hosts import checked_tags
from settings.mistakes import WrongValueError
from tests.support.serving import serving
from userdata.telegraf import InfluxTarget, telegraf_config

pytestmark = pytest.mark.slow

PASSWORDS = [
    'a"b',
    "a\\b\\",
    "$HOME ${HOME} $$",
    "a#b=c;d",
    "{{ x }} [[inputs.exec]]",
    "%n %(x)s `id`",
    "é日本🦊",
    "@{a}",
]
TAGS = {
    "plain": "web",
    "quoted": "a'b\"c '''x''' \"\"\"",
    "marked": "a,b=c d #e {{ x }} `id` [[inputs.exec]]",
    "foreign": "é日本🦊",
    "referring": "@{a:b} %n",
}


class Sink(HTTPServer):
    """A fake InfluxDB that records who writes, and what."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.login = self.lines = ""


class Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        """Handle a write."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        if self.path.startswith("/write"):
            self.server.login = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
            self.server.lines = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def sent(folder: Path, password: str) -> tuple[str, str, str]:
    """The login and the lines of one write, and what Telegraf printed."""
    if not (telegraf := toolchain.binaries() / "telegraf").exists():
        pytest.skip("Telegraf is not built here")
    with serving(Sink()) as sink:
        target = InfluxTarget(f"http://127.0.0.1:{sink.server_port}", "telegraf", "u", False)
        config = folder / "telegraf.conf"
        config.write_text(telegraf_config(target, interval="10s", host="web-1", monitor=False, tags=TAGS))
        done = subprocess.run(
            [telegraf, "--once", "--input-filter", "internal", "--config", config],
            env={"PATH": os.environ["PATH"], "INFLUX_PASSWORD": password},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return sink.login, sink.lines, done.stdout


@pytest.mark.parametrize("password", PASSWORDS)
def test_passwords_and_tags_arrive_unchanged(password: str, tmp_path: Path) -> None:
    assert v.agents_password(password) == password
    assert checked_tags(TAGS) == TAGS
    login, lines, said = sent(tmp_path, password)
    assert login == f"u:{password}", said
    series = re.split(r"(?<!\\) ", lines.splitlines()[0])[0]
    tags = dict(re.split(r"(?<!\\)=", pair) for pair in re.split(r"(?<!\\),", series)[1:])
    read = {name: re.sub(r"\\([ ,=])", r"\1", value) for name, value in tags.items()}
    assert read.items() >= {**TAGS, "host": "web-1"}.items()


def test_telegraf_does_not_start_with_a_password_that_settings_refuse(tmp_path: Path) -> None:
    with pytest.raises(WrongValueError):
        v.agents_password("x@{a:b}y")
    login, _, said = sent(tmp_path, "x@{a:b}y")
    assert not login
    assert 'unknown secret store for "@{a:b}"' in said
