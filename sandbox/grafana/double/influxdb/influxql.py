"""InfluxQL statements from raw queries with macros, and from the editor's fields.

Renders what Grafana's InfluxDB backend does: https://grafana.com/docs/grafana/latest/datasources/influxdb/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import QueryError
from ..timerange import TimeRange, format_interval

_FUNCTIONS = frozenset(
    (
        *("bottom", "count", "cumulative_sum", "derivative", "difference", "distinct", "elapsed", "fill"),
        *("first", "holt_winters", "holt_winters_with_fit", "integral", "last", "max", "mean", "median"),
        *("min", "mode", "moving_average", "non_negative_derivative", "non_negative_difference"),
        *("percentile", "spread", "stddev", "sum", "time", "top"),
    )
)
_REGEX = re.compile(r"^/.*/$")
_EXACT_REGEX = re.compile(r"^/\^(.*)\$/$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


def render(query: Mapping[str, Any], time_range: TimeRange) -> str:
    """The statement for InfluxDB, with macros replaced.

    `$timeFilter`, `$interval`, `$__interval` and `$__interval_ms` are Grafana's macros. Dashboard variables are
    replaced by the client (in Grafana, the browser), not here.
    """
    raw = str(query.get("query") or "")
    statement = raw if query.get("rawQuery") and raw else _from_editor(query, time_range)
    interval = format_interval(time_range.interval_ms)
    for macro, text in (
        ("$timeFilter", _time_filter(time_range)),
        ("$interval", interval),
        ("$__interval_ms", str(time_range.interval_ms)),
        ("$__interval", interval),
    ):
        statement = statement.replace(macro, text)
    return statement


def _time_filter(time_range: TimeRange) -> str:
    return f"time >= {time_range.start_ms}ms and time <= {time_range.end_ms}ms"


def _from_editor(query: Mapping[str, Any], time_range: TimeRange) -> str:
    measurement = str(query.get("measurement") or "")
    if not measurement:
        raise QueryError("error parsing query: measurement is missing", 400, "plugin")
    selected = ", ".join(_selector(parts) for parts in query.get("select") or [])
    source = measurement if _REGEX.match(measurement) else f'"{measurement}"'
    policy = str(query.get("policy") or "")
    if policy not in ("", "default"):
        source = f'"{policy}".{source}'
    statement = f"SELECT {selected} FROM {source} WHERE "  # noqa: S608 (the query is the user's own)
    conditions = _conditions(query.get("tags") or [])
    if conditions:
        statement += (f"({' '.join(conditions)})" if len(conditions) > 1 else conditions[0]) + " AND "
    statement += _time_filter(time_range) + _group_by(query.get("groupBy") or [])
    for key, template in (
        ("orderByTime", " ORDER BY time {}"),
        ("limit", " limit {}"),
        ("slimit", " slimit {}"),
        ("tz", " tz('{}')"),
    ):
        if query.get(key):
            statement += template.format(query[key])
    return statement


def _selector(parts: Any) -> str:
    expression = ""
    for part in parts:
        expression = _part(part, expression)
    return expression


def _part(part: Mapping[str, Any], inner: str = "") -> str:
    kind = str(part.get("type") or "")
    parameters = [str(value) for value in part.get("params") or []]
    if kind in ("field", "tag"):
        return _identifier(parameters[0]) if parameters else ""
    if kind == "math":
        return f"{inner} {parameters[0]}"
    if kind == "alias":
        return f'{inner} AS "{parameters[0]}"'
    if kind not in _FUNCTIONS:
        raise QueryError(f'missing query definition for "{kind}"', 400, "plugin")
    if kind == "time":
        parameters = ["$__interval" if value == "auto" else value for value in parameters]
    return f"{kind}({', '.join([inner, *parameters] if inner else parameters)})"


def _identifier(name: str) -> str:
    if name == "*":
        return "*"
    for suffix in ("::tag", "::field"):
        if name.endswith(suffix):
            return f'"{name.removesuffix(suffix)}"{suffix}'
    return f'"{name}"'


def _group_by(parts: Any) -> str:
    text = ""
    for number, part in enumerate(parts):
        joint = " GROUP BY " if number == 0 else (" " if part.get("type") == "fill" else ", ")
        text += joint + _part(part)
    return text


def _conditions(tags: Any) -> list[str]:
    conditions = []
    for number, tag in enumerate(tags):
        value = str(tag.get("value") or "")
        operator = str(tag.get("operator") or ("=~" if _REGEX.match(value) else "="))
        joint = "" if number == 0 else f"{tag.get('condition') or 'AND'} "
        operator, shown = _comparison(operator, str(tag.get("key") or ""), value)
        conditions.append(f"{joint}{_identifier(str(tag.get('key') or ''))} {operator} {shown}")
    return conditions


def _comparison(operator: str, key: str, value: str) -> tuple[str, str]:
    """The operator and the value in InfluxQL's syntax."""
    exact = _EXACT_REGEX.match(value)
    quoted = "'" + (exact[1] if exact else value).replace("\\", "\\\\") + "'"
    if operator in ("=~", "!~"):
        return operator, value
    if operator in ("<", ">", ">=", "<="):
        return operator, f"'{exact[1]}'" if exact else value
    if operator in ("Is", "Is Not"):
        plain = "=" if operator == "Is" else "!="
        if not key.endswith("::tag") and (value.lower() in ("true", "false") or _NUMBER.match(value)):
            return plain, value.lower()
        return plain, quoted
    return operator, quoted
