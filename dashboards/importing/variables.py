"""Variables and annotations: asked of this stack's datasources, without the choices of somebody else's systems."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dashboards.importing.datasources import NAMES, Sources, is_ours, reference_to
from dashboards.importing.kinds import SOURCES
from dashboards.importing.report import Json, Report

KNOWN = ("query", "custom", "interval", "constant", "textbox", "adhoc", "groupby", "switch")


def constants(dashboard: Json) -> dict[str, str]:
    """The inputs of an export that are plain texts, with the values it proposes."""
    inputs = [each for each in dashboard.get("__inputs") or [] if isinstance(each, dict)]
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in inputs
        if each.get("type") == "constant" and each.get("name")
    }


def filled(value: Any, texts: dict[str, str]) -> Any:
    """The JSON with `${NAME}` of the texts filled in, and `[[name]]` written as `${name}`, Grafana's way of today."""
    if isinstance(value, list):
        return [filled(each, texts) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, texts) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    value = re.sub(r"\[\[(\w+)(:\w+)?\]\]", lambda found: f"${{{found[1]}{found[2] or ''}}}", value)
    for name, text in texts.items():
        value = re.sub(rf"\$\{{{re.escape(name)}(:\w+)?\}}|\${re.escape(name)}\b", _just(text), value)
    return value


def _just(text: str) -> Callable[[re.Match[str]], str]:
    """A replacement that is taken literally, backslashes included."""
    return lambda _: text


def own_variables(dashboard: Json, sources: Sources, report: Report) -> list[Json]:
    """The dashboard's variables, those that choose a datasource taken out: there is one of each kind."""
    templating = dashboard.get("templating")
    listed = (templating.get("list") if isinstance(templating, dict) else None) or []
    found = []
    for variable in listed:
        if not isinstance(variable, dict) or not variable.get("name"):
            continue
        kind = variable.get("type") or "query"
        if kind == "datasource":
            report.did(f"took out the variable {variable['name']}, which chose a datasource")
        elif kind not in KNOWN:
            report.refused.append(f"the variable {variable['name']} is of type {kind}, which Grafana does not have")
        else:
            said = {key: value for key, value in variable.items() if value is not None}
            found.append(_CONVERTERS.get(kind, _plain)(said, sources, report))
    return found


def _query(variable: Json, sources: Sources, report: Report) -> Json:
    query = variable.get("query")
    kind = sources.kind(variable.get("datasource"), query)
    if kind not in SOURCES:
        report.refused.append(f"the variable {variable['name']} asks {NAMES.get(kind, kind)}")
    variable["datasource"] = reference_to(kind)
    refresh = variable.pop("refresh_on_load", None) or variable.get("refresh")
    variable["refresh"] = 2 if refresh == 2 else 1  # never, and true of long ago, become: when the dashboard is opened
    for key in ("options", "tagsQuery", "tagValuesQuery", "useTags", "tags", "definition", "allFormat"):
        variable.pop(key, None)
    several = bool(variable.get("multi"))
    if variable.get("includeAll"):
        variable["current"] = {"text": ["All"], "value": ["$__all"]} if several else {"text": "All", "value": "$__all"}
    else:
        variable["current"] = {"text": [], "value": []} if several else {"text": "", "value": ""}
    return variable


def _listed(variable: Json, sources: Sources, report: Report) -> Json:
    """A variable with fixed values (custom, interval): they stand in its query."""
    texts = [text.strip() for text in re.split(r"(?<!\\),", str(variable.get("query") or "")) if text.strip()]
    if not variable.get("options"):
        variable["options"] = [{"text": text, "value": text, "selected": False} for text in texts]
    current = variable.get("current")
    if not isinstance(current, dict) or not current.get("value"):
        first = texts[0] if texts else ""
        variable["current"] = {"text": first, "value": first}
    return variable


def _adhoc(variable: Json, sources: Sources, report: Report) -> Json:
    kind = sources.kind(variable.get("datasource"))
    if kind not in SOURCES:
        report.refused.append(f"the variable {variable['name']} filters {NAMES.get(kind, kind)}")
    variable["datasource"] = reference_to(kind)
    variable["filters"] = []
    return variable


def _plain(variable: Json, sources: Sources, report: Report) -> Json:
    current = variable.get("current")
    if not isinstance(current, dict) or "value" not in current:
        text = str(variable.get("query") or "")
        variable["current"] = {"text": text, "value": text}
    if variable.get("type") in ("constant", "textbox") and not variable.get("options"):
        variable["options"] = [{**variable["current"], "selected": True}]
    return variable


_CONVERTERS = {"query": _query, "custom": _listed, "interval": _listed, "adhoc": _adhoc}


def own_annotations(dashboard: Json, sources: Sources, report: Report) -> list[Json]:
    """The annotations that this stack can answer."""
    given = dashboard.get("annotations")
    listed = (given.get("list") if isinstance(given, dict) else None) or []
    found = []
    for each in [dict(annotation) for annotation in listed if isinstance(annotation, dict)]:
        own = {key: value for key, value in each.items() if key != "type"}
        if each.get("builtIn") or each.get("datasource") in ("-- Grafana --", "grafana"):
            kind = "-- Grafana --"
        else:
            kind = sources.kind(each.get("datasource"), each.get("target") or own)
        if not is_ours(kind):
            report.did(
                f"left out the annotation {each.get('name') or 'without a name'}: it asks {NAMES.get(kind, kind)}"
            )
            continue
        usual = {"enable": True, "iconColor": "rgba(0, 211, 255, 1)"}
        found.append({**usual, **each, "datasource": reference_to(kind)})
    return found
