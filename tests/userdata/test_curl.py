"""Passwords as curl reads them from standard input: the real curl against a server on loopback."""

from __future__ import annotations

import base64
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from settings import values as v
from settings.mistakes import WrongValueError
from tests.support.serving import serving
from tests.userdata.examples import SERVER
from userdata.server_files import server_files

FOLDER = Path(__file__).parent.parent.parent / "userdata"


class Listener(HTTPServer):
    """Remembers the logins and the queries that it receives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.logins: list[str] = []
        self.queries: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers every request with 204."""

    server: Listener

    def do_GET(self) -> None:
        """Handle a request without a body."""
        _, _, login = self.headers.get("Authorization", "").partition("Basic ")
        self.server.logins.append(base64.b64decode(login).decode())
        self.send_response(204)
        self.end_headers()

    def do_POST(self) -> None:
        """Handle a query."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.queries.append(parse_qs(body, keep_blank_values=True)["q"][0])
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with serving(Listener()) as server:
        yield server


def ask(listener: Listener, lines: str) -> None:
    """Run these lines after the settings and functions that the boot script's parts read."""
    script = server_files(SERVER)["server.conf"] + "\n" + lines
    url = f"http://127.0.0.1:{listener.server_port}/"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-s", url], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def accepted() -> list[str]:
    """Passwords that settings accept: with each character of some Unicode blocks, and with combinations of two."""

    def taken(password: str) -> bool:
        try:
            return v.password(password) == password
        except WrongValueError:
            return False

    single = [f"a{chr(code)}b" for code in (*range(0x250), 0x20AC, 0x65E5, 0x1F98A) if taken(f"a{chr(code)}b")]
    pairs = [f"a{one}{two}" for one in '\\"#:$` n' for two in '\\"#:ntrv$`{}']
    return [*single, *filter(taken, pairs), '"', "\\", "-", "@file", "\\\\\\", "x" * v.LONGEST_PASSWORD]


def test_every_accepted_password_arrives_unchanged(listener: Listener) -> None:
    passwords = accepted()
    assert len(passwords) > 300
    assert {'a"b', "a\\b", "a:b", "a#b", "a b"} <= set(passwords)
    each = [f"curl_option user 'u:{password}'\ncurl_option url \"$1\"\n" for password in passwords]
    ask(listener, "{\n" + "echo next\n".join(each) + "} | curl -sS -K -\n")
    assert listener.logins == [f"u:{password}" for password in passwords]


def test_a_line_break_does_not_begin_another_option(listener: Listener) -> None:
    ask(listener, 'curl_option user $\'u:a\\nurl = "file:///etc/passwd"\' | curl -sS -K - "$1"\n')
    assert listener.logins == ['u:a\nurl = "file:///etc/passwd"']


@pytest.mark.parametrize("query", ['DROP USER "a\\b"', 'SET PASSWORD FOR "u" = \'x\\\\"y\'', "a&b=c %20 + é"])
def test_queries_arrive_unchanged(listener: Listener, query: str) -> None:
    quoted = query.replace("'", "'\\''")
    ask(listener, f"{{ curl_option user u:p && curl_option data-urlencode 'q={quoted}'; }} | curl -sS -K - \"$1\"\n")
    assert listener.queries == [query]


def test_no_script_writes_a_login_for_curl_itself() -> None:
    scripts = [file for file in FOLDER.rglob("*.sh") if file.name != "curl.sh"]
    lines = [(file.name, line) for file in scripts for line in file.read_text().splitlines()]
    assert sum("curl_option user " in line for _, line in lines) > 2
    writing = [(name, line) for name, line in lines if re.search(r"user *= |data-urlencode *=", line)]
    # AWS's own keys and tokens are base64, which needs no escaping.
    assert {name for name, line in writing if "AccessKeyId" in line} == {"boot.sh", "aws.sh"}
    assert [each for each in writing if "AccessKeyId" not in each[1]] == []


def test_no_accepted_password_has_a_control_character() -> None:
    assert not [one for one in "".join(accepted()) if unicodedata.category(one) in ("Cc", "Cf", "Cs")]
