"""The datasources of a dashboard: references in all their forms become this stack's InfluxDB and CloudWatch.

A datasource is named by an input of the export (`${DS_TELEGRAF}`), by a variable (`$datasource`), by its name or uid
in another Grafana, or not at all. The plugin's type decides or, if it is not given, the form of the query.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from dashboards.importing.kinds import GRAFANA, SOURCES, SPECIAL, WITHOUT_QUERIES
from dashboards.importing.layout import objects
from dashboards.importing.report import Json, Report, named, title_of

NAMES = {
    "prometheus": "Prometheus",
    "loki": "Loki",
    "elasticsearch": "Elasticsearch",
    "graphite": "Graphite",
    "flux": "InfluxDB in Flux",
    "influx-sql": "InfluxDB in SQL",
    "mysql": "MySQL",
    "postgres": "PostgreSQL",
    "grafana-postgresql-datasource": "PostgreSQL",
    "mssql": "Microsoft SQL Server",
    "opentsdb": "OpenTSDB",
    "stackdriver": "Google Cloud Monitoring",
    "alexanderzobnin-zabbix-datasource": "Zabbix",
    "grafana-azure-monitor-datasource": "Azure Monitor",
    "testdata": "TestData",
    "sql": "a database in SQL",
    "": "a datasource that the file does not name",
}
FLUX = re.compile(
    r"^\s*(import\s+\"|option\s+\w+\s*=|\w+\s*=\s*from\s*\()|\bfrom\s*\(\s*bucket\s*:|\|>\s*\w+\s*\(|\bv\.timeRangeStart",
    re.MULTILINE,
)
SQL = re.compile(
    r"\$__(?:timeFilter|timeGroup|dateBin\w*|timeFrom|timeTo)\b|\b(?:date_bin|date_trunc|time_bucket\w*)\s*\("
    r"|\binterval\s+'|\bjoin\b.+\bon\b|\binformation_schema\b|^\s*with\s+\w+\s+as\s*\(",
    re.IGNORECASE | re.DOTALL,
)
"""What only SQL has, and not InfluxQL; both begin with SELECT."""
TEXTS = {
    "flux": FLUX,
    "sql": SQL,
    "influxdb": re.compile(r"^\s*(select|show)\s", re.IGNORECASE),
    "cloudwatch": re.compile(
        r"^\s*(regions|namespaces|metrics|dimension_keys|dimension_values|ec2_instance_attribute|ebs_volume_ids"
        r"|resource_arns|statistics)\("
    ),
    "prometheus": re.compile(r"^\s*(label_values|label_names|query_result)\("),
}
"""What variables' queries look like, which are often plain text."""
VARIABLE = re.compile(r"\$(\w+)$|\$\{(\w+)(?::\w+)?\}$|\[\[(\w+)\]\]$")


class Sources:
    """What the dashboard says about its datasources."""

    def __init__(self, dashboard: Json) -> None:
        inputs = objects(dashboard.get("__inputs"))
        self._kinds = {
            str(each.get("name")): str(each.get("pluginId")) for each in inputs if each.get("type") == "datasource"
        }
        templating = dashboard.get("templating")
        listed = objects(templating.get("list") if isinstance(templating, dict) else None)
        self.variables = {
            str(each.get("name")): str(each.get("query")) for each in listed if each.get("type") == "datasource"
        }
        self._kinds |= self.variables
        required = objects(dashboard.get("__requires"))
        declared = set(self._kinds.values()) | {
            str(each.get("id")) for each in required if each.get("type") == "datasource"
        }
        self.texts = {name: SOURCES.get(kind) or NAMES.get(kind, kind) for name, kind in self._kinds.items()}
        """What replaces `${NAME}` outside queries: in titles, texts and links."""
        self._only = None
        self._only = _single(declared) or _single(self._asked(dashboard))

    def kind(self, reference: Any, query: Any = None) -> str:
        """The plugin's id, `flux` for InfluxDB queried in Flux, one of SPECIAL, or "" if it cannot be determined."""
        said = self._said(reference)
        shape = _shape(query)
        if said in SPECIAL:
            return said
        if shape == "flux" and said in (None, "influxdb"):
            return shape
        if shape in ("sql", "influx-sql") and (said or self._only) == "influxdb":
            return "influx-sql"
        if not said and not shape and _is_foreign(query):
            return ""
        return said or shape or self._only or ""

    def _asked(self, dashboard: Json) -> set[str]:
        """The kinds that can be determined from each of the panels' queries alone."""
        rows = objects(dashboard.get("rows"))
        panels = [*objects(dashboard.get("panels")), *(one for row in rows for one in objects(row.get("panels")))]
        panels += [inner for panel in panels for inner in objects(panel.get("panels"))]
        return {
            self.kind(target.get("datasource") or panel.get("datasource"), target)
            for panel in panels
            for target in objects(panel.get("targets"))
        }

    def _said(self, reference: Any) -> str | None:
        """The kind that the reference itself gives; None if it is only a name in the Grafana that it comes from."""
        if isinstance(reference, Mapping):
            uid, kind = str(reference.get("uid") or ""), str(reference.get("type") or "")
            if uid in GRAFANA or uid in SPECIAL or kind in ("", "datasource") or VARIABLE.match(kind):
                return self._said(uid)
            return "-- Grafana --" if kind == "grafana" else kind
        if not isinstance(reference, str):
            return None
        if reference in GRAFANA:
            return "-- Grafana --"
        if reference in SPECIAL or reference in SOURCES:
            return reference
        variable = VARIABLE.match(reference)
        return self._kinds.get(next(filter(None, variable.groups()))) if variable else None


def _single(kinds: set[str]) -> str | None:
    """The only kind of datasource here that is not Grafana's own; None if there are none or several."""
    others = kinds - SPECIAL.keys() - {"", "None", "grafana", "datasource"}
    return others.pop() if len(others) == 1 else None


def _shape(query: Any) -> str | None:
    """The kind of datasource that has queries of this shape."""
    if isinstance(query, str):
        return next((kind for kind, pattern in TEXTS.items() if pattern.search(query)), None)
    if not isinstance(query, Mapping):
        return None
    written = query.get("query")
    text = written if isinstance(written, str) else ""
    shapes = (
        ("flux", FLUX.search(text) is not None),
        ("influx-sql", bool(query.get("rawSql")) and "dataset" in query),
        ("sql", bool(query.get("rawSql")) or SQL.search(text) is not None),
        ("-- Dashboard --", bool(query.get("panelId")) and not written),
        ("prometheus", bool(query.get("expr"))),
        ("cloudwatch", "namespace" in query and ("metricName" in query or "dimensions" in query)),
        ("influxdb", query.get("dsType") == "influxdb" or "measurement" in query),
        ("influxdb", TEXTS["influxdb"].match(text) is not None),
        ("elasticsearch", "bucketAggs" in query),
        ("graphite", isinstance(query.get("target"), str)),
    )
    return next((kind for kind, fits in shapes if fits), None)


def _is_foreign(query: Any) -> bool:
    """Whether a text is in a language that we do not have; one that begins with a variable can be anything."""
    text = query.get("query") if isinstance(query, Mapping) else query
    return isinstance(text, str) and bool(text.strip()) and not text.lstrip().startswith(("$", "--", "/*", "("))


def shows_another(panel: Json, ids: Collection[Any]) -> bool:
    """Whether a panel shows only the data of panels that do not exist."""
    own = SPECIAL["-- Dashboard --"]
    asked = [target.get("panelId") for target in objects(panel.get("targets")) if target.get("datasource") == own]
    return bool(asked) and not any(one in ids for one in asked)


def reference_to(kind: str) -> dict[str, str]:
    """The reference to a datasource of this stack."""
    return dict(SPECIAL.get(kind) or {"type": kind, "uid": kind})


def is_ours(kind: str) -> bool:
    """Whether the stack has a datasource of this kind."""
    return kind in SOURCES or kind in SPECIAL


def resolve(panels: Iterable[Json], sources: Sources, report: Report) -> None:
    """Set each panel's and query's datasource. Those that the stack does not have are refused together."""
    foreign: dict[str, list[Json]] = {}
    used: set[str] = set()
    for panel in panels:
        targets = objects(panel.get("targets"))
        if panel.get("type") in WITHOUT_QUERIES:
            panel.pop("datasource", None)
            panel.pop("targets", None)
            continue
        whole = panel.get("datasource")
        kinds = [_of_target(sources, whole, target) for target in targets]
        for target, kind in zip(targets, kinds, strict=True):
            target["datasource"] = reference_to(kind)
        own = sources.kind(whole)
        mixed = own if own in SPECIAL or not kinds else kinds[0]
        if own not in SPECIAL and len(set(kinds)) > 1:
            mixed = "-- Mixed --"
        panel["datasource"] = reference_to(mixed)
        if not mixed:
            del panel["datasource"]  # a panel without queries
        panel["targets"] = targets
        for kind in [*kinds, *([] if kinds else [mixed])]:
            used.add(kind)
            if not is_ours(kind) and (kinds or kind):
                foreign.setdefault(kind, []).append(panel)
    for kind, asking in foreign.items():
        titles = [title_of(panel) for panel in asking]
        reason = f"{named(titles)} {'query' if len(set(titles)) > 1 else 'queries'} {NAMES.get(kind, kind)}"
        (report.leave_out if kind == "influx-sql" else report.refuse)(reason, *asking)
    for kind in sorted(used & SOURCES.keys()):
        report.did(f"its queries use the datasource {SOURCES[kind]}")


def _of_target(sources: Sources, whole: Any, target: Json) -> str:
    own = target.get("datasource")
    kind = sources.kind(own if own else whole, target)
    if kind != "-- Mixed --":
        return kind
    return sources.kind(None, target)  # a query of a mixed panel without a datasource
