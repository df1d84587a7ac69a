"""The viewer's server: which requests it forwards to Grafana, and from whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import requests

from sandbox.viewer.server import Grafana, Server
from tests.support.serving import serving


class Double:
    """Records its requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes | None]] = []

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        self.asked.append((method, path, body))
        return 200, b"{}"


@pytest.fixture
def grafana() -> Double:
    return Double()


@pytest.fixture
def base(tmp_path: Path, grafana: Double) -> Iterator[str]:
    """The address of a running server whose bundle is a single page."""
    www = tmp_path / "www"
    www.mkdir()
    (www / "index.html").write_text("the page")
    (tmp_path / "secret").write_text("not for you")
    with serving(Server(0, www, cast(Grafana, grafana))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    "path",
    [
        "/api/dashboards/uid/linux-hosts",
        "/api/search?type=dash-db",
        "/api/datasources/uid/cloudwatch/resources/ec2-instance-attribute?region=eu-central-1",
    ],
)
def test_reads_are_forwarded(base: str, grafana: Double, path: str) -> None:
    assert requests.get(base + path, timeout=5).status_code == 200
    assert grafana.asked == [("GET", path, None)]


def test_queries_are_forwarded(base: str, grafana: Double) -> None:
    assert requests.post(f"{base}/api/ds/query", json={"queries": []}, timeout=5).status_code == 200
    assert grafana.asked == [("POST", "/api/ds/query", b'{"queries": []}')]


@pytest.mark.parametrize(
    "path",
    [
        *("/api/users", "/api/datasources", "/api/datasources/uid/influxdb", "/api/admin/settings"),
        *("/api/search/../users", "/api/datasources/uid/a/resources/..%2f..%2fusers", "/api/org"),
    ],
)
def test_other_reads_are_refused(base: str, grafana: Double, path: str) -> None:
    session = requests.Session()
    request = session.prepare_request(requests.Request("GET", base))
    request.url = base + path  # not normalized
    assert session.send(request, timeout=5).status_code == 403
    assert grafana.asked == []


def test_writes_are_refused(base: str, grafana: Double) -> None:
    for path in ("/api/dashboards/db", "/api/ds/query?x", "/api/datasources"):
        assert requests.post(base + path, json={}, timeout=5).status_code == 403
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert requests.request(method, f"{base}/api/ds/query", timeout=5).status_code == 501
    assert grafana.asked == []


def test_another_site_s_page_is_refused(base: str, grafana: Double) -> None:
    form = requests.post(f"{base}/api/ds/query", data="{}", headers={"Content-Type": "text/plain"}, timeout=5)
    assert form.status_code == 403
    rebound = requests.get(f"{base}/api/search", headers={"Host": "evil.example"}, timeout=5)
    assert rebound.status_code == 421
    assert grafana.asked == []


def test_only_the_bundle_s_files_are_served(base: str) -> None:
    assert requests.get(f"{base}/d/linux-hosts?from=now-1h", timeout=5).text == "the page"
    session = requests.Session()
    request = session.prepare_request(requests.Request("GET", base))
    request.url = f"{base}/../secret"
    assert session.send(request, timeout=5).status_code == 404
