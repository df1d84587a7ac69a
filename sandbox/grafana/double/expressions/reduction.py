"""Reduce turns a series into one number; threshold turns a number into 1 (beyond the limit) or 0."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .values import Number, Series, Single, Value, Values, failure

_FUNCTIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": statistics.fmean,
    "min": min,
    "max": max,
    "last": lambda values: values[-1],
    "median": statistics.median,
}
"""For values that are all numbers. `count` is not one of them, as it also counts other values."""

_LIMITS: Mapping[str, tuple[int, Callable[..., bool]]] = {
    "gt": (1, lambda value, limit: value > limit),
    "lt": (1, lambda value, limit: value < limit),
    "gte": (1, lambda value, limit: value >= limit),
    "lte": (1, lambda value, limit: value <= limit),
    "eq": (1, lambda value, limit: value == limit),
    "ne": (1, lambda value, limit: value != limit),
    "within_range": (2, lambda value, low, high: low < value < high),
    "outside_range": (2, lambda value, low, high: value < low or value > high),
    "within_range_included": (2, lambda value, low, high: low <= value <= high),
    "outside_range_included": (2, lambda value, low, high: value <= low or value >= high),
}
"""The number of limits, and the comparison, by name."""


def reduce(model: Mapping[str, Any], source: Values) -> Values:
    """Reduce each series to one number. Numbers stay as they are."""
    name = str(model.get("reducer") or "")
    if name not in {*_FUNCTIONS, "count"}:
        raise failure(f"expected reducer to be one of sum, min, max, count, last, mean, median, got {name!r}")
    settings = model.get("settings") or {}
    mode = str(settings.get("mode") or "strict")
    if mode not in ("strict", "dropNN", "replaceNN"):
        raise failure(f"unsupported reduce mode {mode!r}: it is strict, dropNN or replaceNN")
    if mode == "replaceNN" and not isinstance(settings.get("replaceWithValue"), int | float):
        raise failure("setting replaceWithValue must be specified when mode is replaceNN")
    made: list[Value] = []
    for item in source:
        if isinstance(item, Single):
            made.append(item)
            continue
        made.append(Single(item.labels, _reduced(name, mode, settings, item)))
    return made


def _reduced(name: str, mode: str, settings: Mapping[str, Any], series: Series) -> Number:
    values = [math.nan if value is None else value for value in series.values]
    if mode == "dropNN":
        values = [value for value in values if math.isfinite(value)]
    elif mode == "replaceNN":
        values = [value if math.isfinite(value) else float(settings["replaceWithValue"]) for value in values]
    if name == "count":
        return float(len(values))
    if not values:
        # Nothing to reduce: no number, which dropNN leaves out.
        return None if mode == "dropNN" else math.nan
    if name != "last" and any(math.isnan(value) for value in values):
        return math.nan
    return float(_FUNCTIONS[name](values))


def threshold(model: Mapping[str, Any], source: Values, loaded: Sequence[Mapping[str, str]] = ()) -> Values:
    """Turn each value into 1 or 0, with its labels; null stays null.

    loaded: the labels of active alerts. With a recovery threshold (unloadEvaluator), an active alert stays 1 until that
    threshold is reached, as in Grafana's pkg/expr/threshold.go and hysteresis.go, and
    pkg/services/ngalert/schedule/loaded_metrics_reader.go.
    """
    conditions = model.get("conditions")
    if not isinstance(conditions, list) or len(conditions) != 1:
        raise failure("threshold expression requires exactly one condition")
    holds = _judge(conditions[0].get("evaluator") or {})
    recovered = _judge(conditions[0]["unloadEvaluator"]) if conditions[0].get("unloadEvaluator") else None

    def judged(value: Number, *, active: bool) -> Number:
        if value is None:
            return None
        return float(not recovered(value)) if recovered and active else float(holds(value))

    made: list[Value] = []
    for item in source:
        active = any(item.labels.items() <= labels.items() for labels in loaded)
        if isinstance(item, Single):
            made.append(Single(item.labels, judged(item.value, active=active)))
        elif recovered:
            raise failure("recovery thresholds work on reduced numbers only")
        else:
            made.append(Series(item.labels, item.times, [judged(value, active=active) for value in item.values]))
    return made


def _judge(evaluator: Mapping[str, Any]) -> Callable[[float], bool]:
    """A function that returns whether a value is beyond the limit."""
    kind, limits = str(evaluator.get("type") or ""), evaluator.get("params") or []
    if kind not in _LIMITS:
        raise failure(f"expected threshold function to be one of {', '.join(_LIMITS)}, got {kind!r}")
    count, holds = _LIMITS[kind]
    if len(limits) < count or not all(isinstance(limit, int | float) for limit in limits):
        raise failure(f"incorrect number of arguments for threshold function {kind!r}: got {len(limits)}")
    return lambda value: holds(value, *limits[:count])
