"""Passwords, as curl reads them from its standard input: the real curl against a server on loopback."""

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
from tests.userdata.test_render import SERVER
from userdata.server_files import server_files

FOLDER = Path(__file__).parent.parent.parent / "userdata"


class Listener(HTTPServer):
    """Remembers the logins and the texts it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.logins: list[str] = []
        self.queries: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers anything with 204."""

    server: Listener

    def do_GET(self) -> None:
        """A request without a body."""
        _, _, login = self.headers.get("Authorization", "").partition("Basic ")
        self.server.logins.append(base64.b64decode(login).decode())
        self.send_response(204)
        self.end_headers()

    def do_POST(self) -> None:
        """A query."""
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
    """Run lines of a boot script's part after what it has read, with curl at their end."""
    script = server_files(SERVER)["server.conf"] + "\n" + lines
    url = f"http://127.0.0.1:{listener.server_port}/"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-s", url], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def accepted() -> list[str]:
    """Every character that settings accept in a password, of the first Unicode planes; and combinations."""

    def taken(password: str) -> bool:
        try:
            return v.password(password) == password
        except WrongValueError:
            return False

    single = [f"a{chr(code)}b" for code in (*range(0x250), 0x20AC, 0x65E5, 0x1F98A) if taken(f"a{chr(code)}b")]
    pairs = [f"a{one}{two}" for one in '\\"#:$` n' for two in '\\"#:ntrv$`{}']
    return [*single, *filter(taken, pairs), '"', "\\", "-", "@file", "\\\\\\", "x" * v.LONGEST_PASSWORD]


def test_every_password_that_settings_take_arrives_as_it_is(listener: Listener) -> None:
    """shared case applied_password."""
    passwords = accepted()
    assert len(passwords) > 300
    assert {'a"b', "a\\b", "a:b", "a#b", "a b"} <= set(passwords)
    each = [f"curl_option user 'u:{password}'\ncurl_option url \"$1\"\n" for password in passwords]
    ask(listener, "{\n" + "echo next\n".join(each) + "} | curl -sS -K -\n")
    assert listener.logins == [f"u:{password}" for password in passwords]


def test_a_line_break_is_no_new_option(listener: Listener) -> None:
    ask(listener, 'curl_option user $\'u:a\\nurl = "file:///etc/passwd"\' | curl -sS -K - "$1"\n')
    assert listener.logins == ['u:a\nurl = "file:///etc/passwd"']


@pytest.mark.parametrize("query", ['DROP USER "a\\b"', 'SET PASSWORD FOR "u" = \'x\\\\"y\'', "a&b=c %20 + é"])
def test_queries_arrive_as_they_are(listener: Listener, query: str) -> None:
    quoted = query.replace("'", "'\\''")
    ask(listener, f"{{ curl_option user u:p && curl_option data-urlencode 'q={quoted}'; }} | curl -sS -K - \"$1\"\n")
    assert listener.queries == [query]


def test_every_login_of_every_script_goes_through_it() -> None:
    for file in sorted(FOLDER.rglob("*.sh")):
        for line in file.read_text().splitlines():
            if file.name != "curl.sh" and re.search(r"user *= |data-urlencode *=", line):
                # AWS's own keys and tokens are base64.
                assert "AccessKeyId" in line, f"{file.name}: {line}"


def test_no_accepted_password_is_a_control_character() -> None:
    assert not [one for one in "".join(accepted()) if unicodedata.category(one) in ("Cc", "Cf", "Cs")]
