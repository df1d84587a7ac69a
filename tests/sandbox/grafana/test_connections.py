"""Connections to the double: silent peers, and connections that are kept open."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cheroot.wsgi import Server

from sandbox.grafana.double import server
from sandbox.grafana.double.settings import Settings
from tests.sandbox.grafana.support import Authority, running


def test_silent_peers_do_not_block_others(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority) as grafana, ExitStack() as silent:
        address = ("127.0.0.1", urlsplit(grafana.url).port)
        for _ in range(3):
            silent.enter_context(socket.create_connection(address, timeout=5))
        began = time.monotonic()
        assert grafana.call("GET", "/api/health").status_code == 200
        assert time.monotonic() - began < 9, "cheroot waits ten seconds for each"


def test_an_idle_connection_stays_open(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = server.make, []

    def noted(settings: Settings) -> Server:
        made.append(make(settings))
        return made[0]

    monkeypatch.setattr(server, "make", noted)
    context = ssl.create_default_context(cafile=str(authority.file))
    with running(tmp_path, authority) as grafana:
        address = urlsplit(grafana.url).netloc
        with closing(http.client.HTTPSConnection(address, context=context, timeout=30)) as kept:
            for _ in range(2):
                kept.request("GET", "/api/health")
                answer = kept.getresponse()
                assert answer.status == 200
                answer.read()
                made[0].timeout = 0.2  # only now: it is also the time for a handshake
                time.sleep(0.6)
