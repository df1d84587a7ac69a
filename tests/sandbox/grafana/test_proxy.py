"""The data source proxy, and how a CloudWatch data source gets its credentials from the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sandbox.loopback import free_port
from tests.sandbox.grafana.support import Authority, Grafana, running
from tests.sandbox.grafana.test_cloudwatch import aws, datasource
from tests.support.serving import serving

__all__ = ["aws"]


class Echo(BaseHTTPRequestHandler):
    """Responds with the request that it got."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
        self.send_response(401 if "refuse" in self.path else 200)
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())

    do_GET = do_PUT = do_POST = answer  # noqa: N815 - the base class' names

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def echo(grafana: Grafana) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    source = {
        "uid": "echo",
        "name": "Echo",
        "type": "influxdb",
        "access": "proxy",
        "url": f"http://127.0.0.1:{server.server_port}/below",
        "jsonData": {"httpHeaderName1": "X-Seconds"},
        "secureJsonData": {"httpHeaderValue1": "60"},
    }
    assert grafana.call("POST", "/api/datasources", source).status_code == 200
    with serving(server):
        yield "/api/datasources/proxy/uid/echo"


def test_a_request_is_forwarded_without_grafana_s_login(grafana: Grafana, echo: str) -> None:
    sent = {"X-Own": "1", "Cookie": "grafana_session=a", "Origin": "https://grafana"}
    seen = grafana.call("PUT", f"{echo}/a/b?c=d", {"e": 1}, headers=sent).json()
    assert (seen["method"], seen["path"], json.loads(seen["body"])) == ("PUT", "/below/a/b?c=d", {"e": 1})
    assert (seen["headers"]["X-Own"], seen["headers"]["X-Seconds"]) == ("1", "60")
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["User-Agent"].startswith("Grafana/")
    assert not {"Authorization", "Cookie", "Origin"} & set(seen["headers"])


def test_errors_of_the_proxy_itself(grafana: Grafana, echo: str) -> None:
    refused = grafana.call("GET", f"{echo}/refuse")
    assert (refused.status_code, refused.text) == (400, "Authentication to data source failed")
    dead = {"uid": "dead", "name": "Dead", "type": "influxdb", "url": f"http://127.0.0.1:{free_port()}"}
    assert grafana.call("POST", "/api/datasources", dead).status_code == 200
    assert grafana.call("GET", "/api/datasources/proxy/uid/dead/").status_code == 502
    assert grafana.call("GET", "/api/datasources/proxy/uid/none/").status_code == 404
    assert grafana.call("GET", f"{echo}/", auth=None).status_code == 401


def test_a_credential_process_runs_again_when_the_credentials_expire(
    tmp_path: Path, authority: Authority, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, asked = tmp_path / "credentials", tmp_path / "asked"
    ends = datetime.now(UTC) + timedelta(minutes=2)
    keys = {"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "s", "SessionToken": "t"}
    document.write_text(json.dumps({**keys, "Expiration": ends.isoformat()}))
    (tmp_path / "ask").write_text(f"#!/bin/sh\necho >>{asked}\ncat {document}\n")
    (tmp_path / "ask").chmod(0o755)
    (tmp_path / "config").write_text(
        f"[profile process]\ncredential_process = {tmp_path}/ask\n"
        "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    options = {"authType": "credentials", "defaultRegion": "eu-central-1", "endpoint": aws}
    with running(tmp_path, authority, aws__allowed_auth_providers="credentials") as grafana:
        for profile, status in (("process", 200), ("keys", 200), ("absent", 400)):
            changes = {"uid": profile, "name": profile, "jsonData": {**options, "profile": profile}}
            made = grafana.call("POST", "/api/datasources", datasource(aws, **changes, secureJsonData={}))
            assert made.status_code == 200
            health = f"/api/datasources/uid/{profile}/health"
            assert grafana.call("GET", health).status_code == status
        once = len(asked.read_text())
        grafana.call("GET", "/api/datasources/uid/process/health")
        assert len(asked.read_text()) > once, "they expire within minutes"
        (tmp_path / "config").unlink()
        assert grafana.call("GET", "/api/datasources/uid/keys/health").status_code == 200, "read once"
