"""The screen at the end of `make up` and of `make status`: where everything is, and whether it is healthy."""

from __future__ import annotations

import math
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from sandbox import daemons, stack
from sandbox.place import Place
from sandbox.progress import FILE_COLUMNS, console
from sandbox.toolchain import influxdb

DATASOURCES = {"influxdb": "InfluxDB", "cloudwatch": "CloudWatch"}
SILENT_SECONDS = 60
"""A host whose newest point is at least this old is shown as silent (six of the default intervals)."""


@dataclass(frozen=True)
class Grafana:
    """Grafana as the user's browser reaches it.

    ca_file: the stack's own CA; None where this machine trusts the certificate anyway.
    """

    url: str
    user: str
    password: str
    ca_file: Path | None

    @property
    def verify(self) -> str | bool:
        """What `requests` trusts."""
        return str(self.ca_file) if self.ca_file else True

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, auth=(self.user, self.password), verify=self.verify, timeout=20)

    def query(self, query: dict[str, Any], minutes: int = 15) -> dict[str, Any]:
        """The response of Grafana's query endpoint to one query over the last `minutes`."""
        body = {"queries": [{"refId": "A"} | query], "from": f"now-{minutes}m", "to": "now"}
        answer = requests.post(
            f"{self.url}/api/ds/query",
            json=body,
            auth=(self.user, self.password),
            verify=self.verify,
            timeout=30,
        )
        return dict(answer.json())


def show(place: Place, name: str, patience: float = 0) -> int:
    """Print the screen; returns 0 if everything is healthy, else 1.

    patience: seconds to wait for datasources that are not healthy yet and hosts that have not sent anything yet.
    """
    outputs = stack.complete_outputs(place, name)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(outputs["caCertificate"])
        authority.flush()
        grafana = Grafana(
            outputs["grafanaUrl"],
            outputs["grafanaAdminUser"],
            outputs["grafanaAdminPassword"],
            Path(authority.name) if outputs["caCertificate"] else None,
        )
        deadline = time.monotonic() + patience
        health = _await_health(grafana, deadline)
        # Other hosts with data may have been removed since.
        expected = stack.host_names(place, name) | {f"monitoring-{name}"}
        hosts = _await_points(grafana, expected, deadline)
    tables = (_addresses(place, outputs), _health_table(health), _hosts_table(hosts, expected))
    console.width = max(console.width, *map(_least_width, tables))
    for table in tables:
        console.print(table)
    page = outputs["grafanaUrl"] + (" (certificate: the stack's own CA)" if outputs["caCertificate"] else "")
    if daemons.pid(place, "viewer"):
        page = f"{place.viewer_url} (the dashboards)"
    if shortfall := influxdb.shortfall():
        console.print(f"\n[yellow]{escape(shortfall)}[/yellow]")
    console.print(f"\n[bold]Next[/bold]  open {escape(page)}")
    for command, purpose in {
        "make password": "Grafana's admin password",
        "make status": "this screen again",
        "make preview": "what a change in the code or in Pulumi.sandbox.yaml would do",
        "make shell": "plain pulumi commands",
        "make down": "remove everything",
    }.items():
        console.print(f"      {command:<15} {purpose}")
    found = problems(
        daemons.ended(place), {uid: ok for uid, (ok, _) in health.items()}, {host: hosts[host] for host in expected}
    )
    if found:
        console.print(f"\n[red]Not everything is healthy: {escape('; '.join(found))}. The exit status is 1.[/red]")
    return 1 if found else 0


def problems(ended: list[str], health: dict[str, bool], ages: dict[str, float]) -> list[str]:
    """Whatever is not healthy, each as a clause. ages: of each expected host's newest point, in seconds."""
    return [
        *(f"{name} is not running" for name in ended),
        *(f"{DATASOURCES[uid]} is not healthy in Grafana" for uid, ok in health.items() if not ok),
        *(f"{host} is sending no data" for host, age in sorted(ages.items()) if age >= SILENT_SECONDS),
    ]


def _table(title: str) -> Table:
    """A table without borders whose first two columns are never truncated, so that addresses can be copied."""
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(no_wrap=True, min_width=10)
    table.add_column(no_wrap=True, overflow="ignore")
    table.add_column(style="dim")
    return table


def _least_width(table: Table) -> int:
    """The console width below which rich would truncate the table's first two columns. A narrower terminal wraps the
    lines instead, and loses nothing."""
    unlimited = console.options.update(max_width=FILE_COLUMNS)
    for column in table.columns[:2]:
        column.min_width = max((Measurement.get(console, unlimited, each).maximum for each in column.cells), default=0)
    return Measurement.get(console, unlimited, table).minimum


def _addresses(place: Place, outputs: dict[str, Any]) -> Table:
    table = _table("What runs where")
    table.add_row("Grafana", outputs["grafanaUrl"], f"log in as {outputs['grafanaAdminUser']}, see `make password`")
    table.add_row("InfluxDB", outputs["influxdbUrl"], "TLS, login required")
    if daemons.pid(place, "viewer"):
        table.add_row("Viewer", place.viewer_url, "the dashboards in a browser; not Grafana")
    running = daemons.running(place)
    missing = [name for name in daemons.NAMES if name not in running]
    warning = f"[red]not running: {', '.join(missing)}. Run: make up[/red]"
    table.add_row("Local AWS", place.aws_url, warning if missing else ", ".join(daemons.NAMES))
    for title, url in dict(outputs.get("dashboardUrls", {})).items():
        table.add_row("Dashboard", url, title)
    return table


def _await_health(grafana: Grafana, deadline: float) -> dict[str, tuple[bool, str]]:
    """Whether each datasource is healthy, and Grafana's message. Retries until all are healthy or the deadline has
    passed: Grafana restarts when the clock jumps (userdata/server/grafana.sh)."""
    while True:
        health = {uid: _health(grafana, uid) for uid in DATASOURCES}
        if all(ok for ok, _ in health.values()) or time.monotonic() > deadline:
            return health
        time.sleep(1)


def _health(grafana: Grafana, uid: str) -> tuple[bool, str]:
    try:
        answer = grafana.get(f"/api/datasources/uid/{uid}/health")
        body = answer.json()
    except requests.exceptions.SSLError as error:
        found = re.search(r"certificate verify failed: (.*?)\.? \(_ssl", str(error))
        return False, f"Grafana's certificate is not trusted: {found[1] if found else 'see openssl s_client'}"
    except (requests.RequestException, ValueError) as error:
        return False, f"Grafana did not answer: {_reason(error)}"
    return answer.status_code == requests.codes.ok and body.get("status") == "OK", str(body.get("message", ""))


def _reason(error: BaseException) -> str:
    """The message of the operating system or the parser, which `requests` wraps three times."""
    while error.__context__:
        error = error.__context__
    return str(error) or type(error).__name__


def _health_table(health: dict[str, tuple[bool, str]]) -> Table:
    table = _table("Datasources")
    for uid, (ok, message) in health.items():
        table.add_row(DATASOURCES[uid], "[green]OK[/green]" if ok else "[red]unhealthy[/red]", escape(message))
    return table


def newest_points(grafana: Grafana) -> dict[str, float]:
    """Age in seconds of each host's newest point, queried through Grafana's InfluxDB datasource."""
    answer = grafana.query(
        {
            "datasource": {"uid": "influxdb", "type": "influxdb"},
            "rawQuery": True,
            "resultFormat": "time_series",
            "query": 'SELECT last("uptime") FROM "system" WHERE $timeFilter GROUP BY "host"',
        }
    )
    ages: dict[str, float] = {}
    for frame in answer.get("results", {}).get("A", {}).get("frames", []):
        times = frame["data"]["values"][0]
        labels = frame["schema"]["fields"][-1].get("labels") or {}
        if times and "host" in labels:
            ages[labels["host"]] = time.time() - max(times) / 1000
    return ages


def _await_points(grafana: Grafana, expected: set[str], deadline: float) -> dict[str, float]:
    """Wait until each expected host has sent a point; returns the newest points' ages, infinite for an expected host
    without one at the deadline."""
    while True:
        try:
            ages = newest_points(grafana)
        except (requests.RequestException, ValueError):  # an overloaded machine: a late or truncated response
            ages = {}
        if expected <= set(ages) or time.monotonic() > deadline:
            return dict.fromkeys(expected, math.inf) | ages
        time.sleep(1)


def _hosts_table(hosts: dict[str, float], expected: set[str]) -> Table:
    table = _table("Newest data")
    for host, age in sorted(hosts.items()):
        if age == math.inf:
            table.add_row(escape(host), "[red]nothing in the last 15 minutes[/red]")
            continue
        moment = datetime.fromtimestamp(time.time() - age, tz=UTC).strftime("%H:%M:%S UTC")
        colour = "green" if age < SILENT_SECONDS else "red" if host in expected else "dim"
        table.add_row(escape(host), f"[{colour}]{age:.0f} s ago[/{colour}]", moment)
    return table
