"""Warns of queries for what this stack's InfluxDB does not have. They are not refused: agents can measure more.

userdata/shared/telegraf.conf and inputs.conf configure what agents measure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dashboards.importing.report import Json, Report, named, title_of

DATABASE, POLICY, ROLLUP = "telegraf", "autogen", "rollup"
INPUTS = frozenset(
    (
        *("cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "kernel", "internal", "influxdb"),
        *("x509_cert", "nginx", "postgresql", "redis", "docker", "systemd_units", "ping", "http_response"),
    )
)
"""Telegraf's inputs on agents and on the server."""
OWN = frozenset(("ext4", "backup", "host_status", "monitoring_server"))
"""Our own measurements: from `exec`, and the boot script's points."""
SEVERAL = ("internal", "influxdb", "redis", "docker")
"""Inputs with more than one measurement: `docker_container_cpu`…"""

PART = r'(?:"(?:[^"\\]|\\.)+"|[\w$:{}-]+)'
FROM = re.compile(rf"\bFROM\s+({PART}(?:\.{{1,2}}{PART}){{0,2}})", re.IGNORECASE)
ON = re.compile(rf"\bSHOW\s[^;]*?\bON\s+({PART})", re.IGNORECASE)


def check(panels: Iterable[Json], variables: Iterable[Json], annotations: Iterable[Json], report: Report) -> None:
    """Warn of databases, retention policies and measurements that this stack does not have."""
    found: dict[tuple[str, str], list[str]] = {}
    for place, query in _queries(panels, variables, annotations):
        for kind, name in _foreign(query):
            found.setdefault((kind, name), []).append(place)
    for (kind, name), places in sorted(found.items()):
        what = {
            "database": f"the database is {DATABASE}, not {name}: correct it in",
            "policy": f"the retention policy is {POLICY}, not {name}: correct it in",
            "measurement": f"no agent measures {name} (see docs/agents.md), so nothing will be shown in",
        }[kind]
        report.warnings.append(f"{what} {named(places)}")


def _queries(
    panels: Iterable[Json], variables: Iterable[Json], annotations: Iterable[Json]
) -> Iterator[tuple[str, Json]]:
    """Every query of InfluxDB and the name of its place; plain texts as `{"query": text}`."""
    for panel in panels:
        for target in panel.get("targets") or []:
            if (target.get("datasource") or {}).get("type") == "influxdb":
                yield title_of(panel), target
    for variable in variables:
        if (variable.get("datasource") or {}).get("type") == "influxdb":
            query = variable.get("query")
            yield f"${variable['name']}", query if isinstance(query, dict) else {"query": str(query or "")}
    for annotation in annotations:
        if (annotation.get("datasource") or {}).get("type") == "influxdb":
            yield f"annotation {annotation.get('name')}", annotation.get("target") or annotation


def _foreign(query: Json) -> Iterator[tuple[str, str]]:
    text = query.get("query")
    if query.get("measurement") and not query.get("rawQuery"):
        yield from _measurement(str(query["measurement"]))
        yield from _other("policy", str(query.get("policy") or "default"), ("default", POLICY, ROLLUP))
        return
    if not isinstance(text, str):
        return
    for written in ON.findall(text):
        yield from _other("database", _bare(written), (DATABASE,))
    for written in FROM.findall(text):
        parts = re.findall(PART + r"|\.\.", written)
        has_database = len([part for part in parts if part != ".."]) == 3 or ".." in parts
        names = [_bare(part) for part in parts if part != ".."]
        yield from _measurement(names[-1])
        if has_database:
            yield from _other("database", names[0], (DATABASE,))
        if len(names) == 3 or (len(names) == 2 and not has_database):
            yield from _other("policy", names[-2], (POLICY, ROLLUP))


def _bare(written: str) -> str:
    return written[1:-1].replace('\\"', '"') if written.startswith('"') else written


def _measurement(name: str) -> Iterator[tuple[str, str]]:
    is_ours = name in INPUTS | OWN or name.startswith(tuple(f"{each}_" for each in SEVERAL))
    if not is_ours and not name.startswith(("/", "$")) and "${" not in name:
        yield "measurement", name


def _other(kind: str, name: str, ours: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if name not in ours and not name.startswith("$"):
        yield kind, name
