"""Expressions: their results, and the errors of invalid ones, which are Grafana's."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sandbox.grafana.double import expressions
from sandbox.grafana.double.errors import QueryError
from sandbox.grafana.double.expressions import Single, Step, reduction
from sandbox.grafana.double.expressions.formula import evaluate
from sandbox.grafana.double.expressions.values import Series, failure
from sandbox.grafana.double.frames import Field, Frame
from tests.sandbox.grafana.support import Grafana, Influx
from tests.sandbox.grafana.test_influxdb import connected, raw

__all__ = ["connected"]
EXPRESSION = {"type": "__expr__", "uid": "__expr__"}


def series(*values: float | None, **labels: str) -> Series:
    return Series(labels, range(len(values)), values)


def reduced(name: str, item: Series, **settings: Any) -> float | None:
    (made,) = reduction.reduce({"reducer": name, "settings": settings}, [item])
    assert isinstance(made, Single) and made.labels == item.labels
    return made.value


@pytest.mark.parametrize(
    ("name", "expected"), [("sum", 9), ("mean", 3), ("min", 1), ("max", 6), ("last", 2), ("median", 2), ("count", 3)]
)
def test_reducers(name: str, expected: float) -> None:
    assert reduced(name, series(1, 6, 2, host="a")) == expected


def test_gaps_become_nan_or_are_dropped_or_replaced() -> None:
    gap = series(1, None, 3)
    assert math.isnan(reduced("sum", gap) or 0)
    assert reduced("sum", gap, mode="dropNN") == 4
    assert reduced("sum", gap, mode="replaceNN", replaceWithValue=10) == 14
    assert reduced("last", series(None, None), mode="dropNN") is None


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * -3", -9),
        ("2 ** 3 % 5", 3),
        ("$A > 4 && !($A == 6)", 1),
        ("abs(-$A) + round(1.5)", 7),
        ("${A} / 0", math.inf),
        ("is_nan(nan()) + is_null(null()) + is_number(1)", 3),
    ],
)
def test_formulas(formula: str, expected: float) -> None:
    (made,) = evaluate(formula, {"A": [Single({}, 5)]})
    assert isinstance(made, Single) and made.value == expected


def test_formulas_combine_values_by_labels() -> None:
    a = [Single({"host": "a", "path": "/"}, 4), Single({"host": "b", "path": "/"}, 9)]
    b = [Single({"host": "a"}, 2), Single({"host": "c"}, 3)]
    assert evaluate("$A / $B", {"A": a, "B": b}) == [Single({"host": "a", "path": "/"}, 2)]
    (line,) = evaluate("$A * 2", {"A": [series(1, None, 2, host="a")]})
    assert isinstance(line, Series) and list(line.values) == [2, None, 4]
    assert evaluate("$A + $B", {"A": a, "B": []}) == []


def test_two_single_values_with_different_labels_are_combined_without_labels() -> None:
    """As in Grafana, and only if each side has one value: a rule must not depend on their labels."""
    left, right = [Single({"host": "a"}, 2.0)], [Single({"host": "b"}, 3.0)]
    assert evaluate("$A * $B", {"A": left, "B": right}) == [Single({}, 6.0)]
    assert evaluate("$A * $B", {"A": [*left, Single({"host": "c"}, 1.0)], "B": right}) == []


@pytest.mark.parametrize("formula", ["1 +", "(1", "$A $A", "nothing(1)", "1 ? 2", ""])
def test_invalid_formulas_are_refused(formula: str) -> None:
    with pytest.raises(QueryError):
        evaluate(formula, {"A": [Single({}, 5)]})


@pytest.mark.parametrize(
    ("kind", "limits", "holds"),
    [
        ("gt", [5], [0, 0, 1]),
        ("lt", [5], [1, 0, 0]),
        ("gte", [5], [0, 1, 1]),
        ("within_range", [4, 6], [0, 1, 0]),
        ("outside_range", [4, 6], [1, 0, 1]),
        ("within_range_included", [5, 9], [0, 1, 1]),
    ],
)
def test_thresholds(kind: str, limits: list[float], holds: list[float]) -> None:
    model = {"conditions": [{"evaluator": {"type": kind, "params": limits}}]}
    made = reduction.threshold(model, [Single({"n": str(value)}, value) for value in (1, 5, 9)])
    assert [item.value for item in made if isinstance(item, Single)] == holds
    assert reduction.threshold(model, [Single({}, None)]) == [Single({}, None)]


def test_a_recovery_threshold_keeps_an_active_alert_until_it_is_reached() -> None:
    """An alert begins above 80 and ends below 70; this applies only to the labels of active alerts."""
    condition = {
        "evaluator": {"type": "gt", "params": [80]},
        "unloadEvaluator": {"type": "lt", "params": [70]},
    }
    source = [Single({"host": host}, value) for host, value in (("one", 75), ("two", 75), ("three", 65))]
    active = [{"host": "one", "alertname": "Disk"}, {"host": "three", "alertname": "Disk"}]
    made = reduction.threshold({"conditions": [condition]}, source, active)
    assert [item.value for item in made if isinstance(item, Single)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "reduce", "expression": "Z", "reducer": "last"}, "unable to find dependent node 'Z'"),
        ({"type": "reduce", "expression": "B", "reducer": "last"}, "cannot reference itself"),
        ({"type": "reduce", "expression": "", "reducer": "last"}, "no variable specified"),
    ],
)
def test_invalid_references_are_refused(model: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        expressions.run([Step("A", {}, lambda: []), Step("B", model)])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "reduce", "expression": "A", "reducer": "first"}, "expected reducer"),
        ({"type": "threshold", "expression": "A", "conditions": []}, "exactly one condition"),
        ({"type": "resample", "expression": "A"}, "not part of this stand-in"),
        ({"type": "classic_conditions", "expression": "A"}, "not part of this stand-in"),
        ({"type": "guess", "expression": "A"}, "not a known expression type"),
    ],
)
def test_invalid_expressions_are_refused(model: dict[str, Any], message: str) -> None:
    outcome = expressions.run([Step("A", {}, lambda: [_frame()]), Step("B", model)])["B"]
    assert message in str(outcome.error)


def _frame() -> Frame:
    return Frame("", [Field("Time", "time", [1]), Field("Value", "number", [2], {"host": "a"})])


def test_a_failed_query_fails_only_the_expressions_that_need_it() -> None:
    def broken() -> list[Frame]:
        raise failure("broken")

    done = expressions.run(
        [
            Step("A", {}, broken),
            Step("B", {"type": "reduce", "expression": "A", "reducer": "last"}),
            Step("C", {}, lambda: [_frame()]),
            Step("D", {"type": "reduce", "expression": "C", "reducer": "last"}),
        ]
    )
    assert "sse.dependencyError" in str(done["B"].error)
    assert done["D"].computed == [Single({"host": "a"}, 2)]


def test_cyclic_expressions_are_refused() -> None:
    steps = [Step("A", {"type": "math", "expression": "$B"}), Step("B", {"type": "math", "expression": "$A"})]
    with pytest.raises(QueryError, match="cyclic"):
        expressions.run(steps)


def test_expressions_in_the_query_endpoint(connected: Grafana, influx: Influx) -> None:
    del influx
    query = raw("A", 'SELECT last("usage_user") FROM "cpu" WHERE $timeFilter GROUP BY "host"')
    reduce = {"refId": "B", "datasource": EXPRESSION, "type": "reduce", "expression": "A", "reducer": "last"}
    condition = {"evaluator": {"type": "gt", "params": [40]}}
    limit = {"refId": "C", "datasource": EXPRESSION, "type": "threshold", "expression": "B", "conditions": [condition]}
    answer = connected.query({**query, "hide": True}, reduce, limit)
    results = answer.json()["results"]
    assert answer.status_code == 200 and set(results) == {"B", "C"}
    found = {
        frame["schema"]["fields"][0]["labels"]["host"]: frame["data"]["values"][0][0]
        for frame in results["C"]["frames"]
    }
    assert found == {"one": 0, "two": 1}
    table = connected.query({**query, "resultFormat": "table"}, reduce).json()["results"]
    assert "must be a wide series but got type long" in table["B"]["error"]
    assert connected.query({**reduce, "expression": "Z"}).status_code == 400
