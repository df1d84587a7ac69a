"""Variables and annotations, with this stack's datasources and without saved choices."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from dashboards.importing.datasources import NAMES, Sources, is_ours, reference_to
from dashboards.importing.kinds import SOURCES
from dashboards.importing.layout import objects
from dashboards.importing.report import Json, Report

ASKING = ("query", "adhoc", "groupby")
KNOWN = ("query", "custom", "interval", "constant", "textbox", "adhoc", "groupby", "switch")


def constants(dashboard: Json) -> dict[str, str]:
    """The export's inputs that are plain text, with the values it suggests."""
    inputs = objects(dashboard.get("__inputs"))
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in inputs
        if each.get("type") == "constant" and each.get("name")
    }


def names(dashboard: Json) -> frozenset[str]:
    """The names of its variables."""
    templating = dashboard.get("templating")
    listed = objects(templating.get("list") if isinstance(templating, dict) else None)
    return frozenset(str(each["name"]) for each in listed if each.get("name"))


def filled(value: Any, texts: dict[str, str], variables: Collection[str] = ()) -> Any:
    """The JSON with the texts filled in for `${NAME}`, and `[[variable]]` in today's spelling, `${variable}`.

    Other brackets belong to other languages: `[[tag_host]]` to the aliases of InfluxDB queries (where no other spelling
    has brackets), `[[:alpha:]]` to regular expressions.
    """
    if isinstance(value, list):
        return [filled(each, texts, variables) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, texts, variables) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    value = re.sub(
        r"\[\[(\w+)(:\w+)?\]\]",
        lambda found: f"${{{found[1]}{found[2] or ''}}}" if found[1] in (variables or texts) else found[0],
        value,
    )
    for name, text in texts.items():
        value = re.sub(rf"\$\{{{re.escape(name)}(:\w+)?\}}|\${re.escape(name)}\b", _just(text), value)
    return value


def _just(text: str) -> Callable[[re.Match[str]], str]:
    """A replacement that is used literally, backslashes included."""
    return lambda _: text


def own_variables(dashboard: Json, sources: Sources, report: Report) -> list[Json]:
    """The dashboard's variables, without those that choose a datasource: there is only one of each kind."""
    templating = dashboard.get("templating")
    found = []
    for variable in objects(templating.get("list") if isinstance(templating, dict) else None):
        kind = variable.get("type") or "query"
        if not str(variable.get("name") or "").strip():
            label = variable.get("label")
            report.did(f"left out a variable without a name{f' (“{label}”)' if label else ''}, which nothing can use")
            continue
        if kind == "datasource":
            report.did(f"left out the variable {variable['name']}, which chose a datasource")
        elif kind not in KNOWN:
            report.refuse(f"the variable {variable['name']} is of type {kind}, which Grafana does not have")
        elif kind in ASKING and (foreign := _foreign(variable, sources)):
            reason = f"the variable {variable['name']} {'queries' if kind == 'query' else 'filters'} {foreign}"
            report.refuse(reason)
        else:
            said = {key: value for key, value in variable.items() if value is not None}
            if kind not in ASKING:
                said.pop("datasource", None)
            found.append(_CONVERTERS.get(kind, _plain)(said, sources, report))
    return found


def _foreign(variable: Json, sources: Sources) -> str | None:
    """The name of its datasource, if the stack does not have it."""
    kind = sources.kind(variable.get("datasource"), variable.get("query"))
    return None if kind in SOURCES else NAMES.get(kind, kind)


def _query(variable: Json, sources: Sources, report: Report) -> Json:
    variable["datasource"] = reference_to(sources.kind(variable.get("datasource"), variable.get("query")))
    refresh = variable.pop("refresh_on_load", None) or variable.get("refresh")
    variable["refresh"] = (
        2 if refresh == 2 else 1
    )  # "never", and "true" of old versions, become: when the dashboard is opened
    for key in ("options", "tagsQuery", "tagValuesQuery", "useTags", "tags", "definition", "allFormat"):
        variable.pop(key, None)
    several = bool(variable.get("multi"))
    if variable.get("includeAll"):
        variable["current"] = {"text": ["All"], "value": ["$__all"]} if several else {"text": "All", "value": "$__all"}
    else:
        variable["current"] = {"text": [], "value": []} if several else {"text": "", "value": ""}
    return variable


def _listed(variable: Json, sources: Sources, report: Report) -> Json:
    """A variable with fixed values (custom, interval), which are in its query."""
    values = _values(variable)
    if not variable.get("options"):
        variable["options"] = [{**value, "selected": False} for value in values]
    current = variable.get("current")
    if not isinstance(current, dict) or not current.get("value"):
        variable["current"] = values[0] if values else {"text": "", "value": ""}
    return variable


def _values(variable: Json) -> list[Json]:
    """The values as @grafana/scenes reads them (CustomVariable): JSON, or `value` or `text : value` between commas."""
    written = str(variable.get("query") or "")
    if variable.get("valuesFormat") == "json":
        try:
            found = objects(json.loads(written))
        except ValueError:
            found = []
        return [{"text": str(one.get("text") or one.get("value")), "value": str(one.get("value"))} for one in found]
    texts = [text.strip().replace("\\,", ",") for text in re.split(r"(?<!\\),", written)]
    pairs = [re.fullmatch(r"(.+)\s:\s(.+)", text) or (text, text, text) for text in texts if text]
    return [{"text": pair[1].strip(), "value": pair[2].strip()} for pair in pairs]


def _adhoc(variable: Json, sources: Sources, report: Report) -> Json:
    variable["datasource"] = reference_to(sources.kind(variable.get("datasource"), variable.get("query")))
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


_CONVERTERS = {"query": _query, "custom": _listed, "interval": _listed, "adhoc": _adhoc, "groupby": _adhoc}


def own_annotations(dashboard: Json, sources: Sources, report: Report) -> list[Json]:
    """The annotations whose datasources this stack has."""
    given = dashboard.get("annotations")
    found = []
    for each in objects(given.get("list") if isinstance(given, dict) else None):
        own = {key: value for key, value in each.items() if key != "type"}
        if each.get("builtIn"):
            kind = "-- Grafana --"
        else:
            kind = sources.kind(each.get("datasource"), each.get("target") or own)
        if not is_ours(kind):
            report.did(
                f"left out the annotation {each.get('name') or 'without a name'}: it queries {NAMES.get(kind, kind)}"
            )
            continue
        usual = {"enable": True, "iconColor": "rgba(0, 211, 255, 1)"}
        found.append({**usual, **each, "datasource": reference_to(kind)})
    return found
