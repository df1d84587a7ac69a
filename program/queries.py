"""Every InfluxQL query of a stack's dashboards and alert rules, changed so that running it costs next to nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import alerts
from components.alerting import facts_of
from dashboards.page import BY_TIME
from program.boards import INFLUXDB_UID, Board
from settings import Settings

_BRIEF = "now() - 1s"
_PLAIN = (
    (re.compile(r"\$timeFilter"), f"time > {_BRIEF}"),
    (re.compile("|".join(rf"\$\{{{name}\}}" for name in BY_TIME)), ""),
    # The offset of steps must be a single time, or `now()`.
    (re.compile(r", \$\{__from\}ms\)"), ", now())"),
    (re.compile(r"\$\{__from\}ms( - [0-9]+[smhdw])?"), _BRIEF),
    (re.compile(r"\$\{__to\}ms"), "now()"),
    (re.compile(r"\$\{__(from|to)\}"), "0"),
    (re.compile(r"now\(\) - [0-9]+[smhdw]"), _BRIEF),
    (re.compile(r"\$(__)?interval\b"), "10s"),
    (re.compile(r"/\^\$\{?\w+(:\w+)?\}?\$/"), "/.*/"),
    (re.compile(r"\$\{\w+(:\w+)?\}|\$\w+"), "x"),
)
"""What replaces Grafana's macros and variables, so that a query reads next to nothing."""


@dataclass(frozen=True)
class Asked:
    """A query of the stack. where: the panel, variable or rule it belongs to."""

    where: str
    statement: str


def asked(settings: Settings, boards: Sequence[Board]) -> list[Asked]:
    """All queries of these dashboards and of the alert rules."""
    return [*_of_boards(boards), *_of_rules(settings)]


def _of_boards(boards: Sequence[Board]) -> Iterator[Asked]:
    for board in boards:
        content = json.loads(board.content)
        for panel in _panels(content):
            for target in panel.get("targets", []):
                if target.get("datasource", {}).get("uid") == INFLUXDB_UID and target.get("query"):
                    yield Asked(f"the panel “{panel.get('title')}” of “{board.title}”", target["query"])
        for variable in content.get("templating", {}).get("list", []):
            source, query = variable.get("datasource") or {}, variable.get("query")
            if source.get("uid") == INFLUXDB_UID and (text := query.get("query") if isinstance(query, dict) else query):
                yield Asked(f"the variable “{variable.get('name')}” of “{board.title}”", text)


def _panels(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in content.get("panels", []):
        yield panel
        yield from panel.get("panels") or []


def _of_rules(settings: Settings) -> Iterator[Asked]:
    for group in alerts.build(facts_of(settings)):
        for rule in group.rules:
            for step in rule.steps:
                if step.datasource_uid == INFLUXDB_UID and step.model.get("query"):
                    yield Asked(f"the alert “{rule.title}”", str(step.model["query"]))


def plain(query: str) -> str:
    """A query as InfluxDB gets it, for the last second and any host."""
    for pattern, instead in _PLAIN:
        query = pattern.sub(instead, query)
    return query
