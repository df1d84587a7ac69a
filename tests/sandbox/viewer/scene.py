"""Simulated hosts, some of them in trouble, in a separate InfluxDB, Grafana double and viewer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import requests
import urllib3

from benchmarks.queries.points import Host
from dashboards.registry import LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER
from sandbox.loopback import free_port, influxdb_configuration
from sandbox.place import Place
from sandbox.viewer import bundle
from sandbox.viewer.server import Grafana as ViewersGrafana
from sandbox.viewer.server import Server
from tests.dashboards.conftest import INDEX, running, wait_for
from tests.sandbox.grafana import support
from tests.support.serving import serving

ROLES = ("web", "db", "cache", "queue")
STEP = 30
SILENT_FOR = 25 * 60

FULL = "disk,path=/,fstype=ext4,device=sda1,{tags} used_percent={grown:.2f},free={left}i {at}"
HOG = "mem,{tags} used_percent={grown:.2f} {at}"
STATUS = (
    "host_status,{tags} cpu_some=4,memory_some=1,memory_full=0.5,io_some=2,io_full=1,oom_kills=0i,files_open=1800i,"
    "sockets_used=210i,tcp_waiting=12i,tcp_orphans=0i,tcp_established=40i,tcp_sent={at}i,tcp_resent=90i,tcp_overflows=0i,"
    'failed_units=0i,failed_names="" {at}'
)
TOP = (
    'top_processes,{tags},rank=1 cpu=71.5,cpu_name="postgres",cpu_count=9i,memory=2684354560i,memory_name="postgres",'
    "memory_count=12i {at}",
    'top_processes,{tags},rank=2 cpu=8.2,cpu_name="telegraf",cpu_count=1i,memory=94371840i,memory_name="telegraf",'
    "memory_count=1i {at}",
)


@dataclass
class Trouble:
    """The names of hosts in trouble.

    full: its file system fills up. hog: its memory fills up. silent: it has not sent anything for a while.
    """

    full: str = ""
    hog: str = ""
    silent: str = ""


class Double(ViewersGrafana):
    """The Grafana double, as the viewer's server uses it."""

    def __init__(self, grafana: support.Grafana) -> None:
        self.url = grafana.url
        login = urllib3.make_headers(basic_auth=f"{grafana.user}:{grafana.password}")
        self._headers = {**login, "Content-Type": "application/json"}
        # As many connections as a browser opens: on a busy machine, the double times out on more handshakes.
        self._pool = urllib3.PoolManager(ca_certs=str(grafana.ca), maxsize=6, block=True, retries=3)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        answer = self._pool.request(method, self.url + path, body=body, headers=self._headers)
        return answer.status, answer.data


@dataclass(frozen=True)
class Scene:
    """A running viewer. viewer_url: named as in `Place`, so that the browser finds it."""

    viewer_url: str

    @property
    def place(self) -> Place:
        """For `sandbox.viewer.browser.look`, which only takes the address from it."""
        return cast(Place, self)


def hosts(number: int) -> list[str]:
    """The names of this many hosts."""
    return [f"{ROLES[each % len(ROLES)]}-{each:02}" for each in range(number)]


def points(name: str, now: int, minutes: int, trouble: Trouble) -> Iterator[str]:
    """A host's measurements of the last minutes."""
    role = name.partition("-")[0]
    host, tags = Host(name, role), f"host={name},role={role}"
    until = now - SILENT_FOR if name == trouble.silent else now + 1
    moments = range(now - minutes * 60, until, STEP)
    for number, at in enumerate(moments):
        share = number / len(moments)
        yield from host.lines(at)
        yield from (line.format(tags=tags, at=at) for line in (STATUS, *TOP))
        yield from (f"cpu,cpu=cpu{core},{tags} usage_idle={70 + core * 5} {at}" for core in range(4))
        if name == trouble.full:
            used = 88 + 9 * share
            yield FULL.format(tags=tags, grown=used, left=int((100 - used) / 100 * (100 << 30)), at=at)
        if name == trouble.hog:
            yield HOG.format(tags=tags, grown=70 + 27 * share, at=at)


@contextmanager
def scene(folder: Path, names: list[str], trouble: Trouble, *, minutes: int = 60) -> Iterator[Scene]:
    """Run a viewer that shows these hosts."""
    http = free_port()
    url = f"http://127.0.0.1:{http}"
    configuration = folder / "influxdb.conf"
    configuration.write_text(influxdb_configuration(folder, http, INDEX))
    with ExitStack() as stack:
        stack.enter_context(running("influxd", "-config", configuration))
        wait_for(url)
        requests.post(f"{url}/query", params={"q": "CREATE DATABASE telegraf"}, timeout=20).raise_for_status()
        now = int(time.time()) // STEP * STEP  # what is measured once a minute is measured at the start of the minute
        for name in names:
            lines = "\n".join(points(name, now, minutes, trouble))
            requests.post(f"{url}/write?db=telegraf&precision=s", data=lines, timeout=60).raise_for_status()
        grafana = stack.enter_context(support.running(folder, support.Authority(folder, "authority")))
        _content(grafana, url)
        server = stack.enter_context(serving(Server(0, bundle.ensure(), Double(grafana))))
        yield Scene(f"http://127.0.0.1:{server.server_port}")


def _content(grafana: support.Grafana, url: str) -> None:
    source: Mapping[str, object] = {
        "uid": "influxdb",
        "name": "InfluxDB",
        "type": "influxdb",
        "access": "proxy",
        "url": url,
        "database": "telegraf",
        "jsonData": {"dbName": "telegraf", "httpMethod": "POST", "timeInterval": "10s"},
    }
    grafana.call("POST", "/api/datasources", source).raise_for_status()
    built = (LINUX_HOSTS.build(tags=["role"]), LINUX_HOST.build(), MONITORING_SERVER.build(tags=["role"]))
    for each in built:
        body = {"dashboard": json.loads(each), "overwrite": True}
        grafana.call("POST", "/api/dashboards/db", body).raise_for_status()
