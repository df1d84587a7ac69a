"""What is read of an InfluxDB while a stack moves, and written to the other one, against one that answers what a test
says. Real ones: test_moving.py."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.userdata.test_influxdb_engine import LOGIN, InfluxDB, chunk, influxdb
from userdata.templates import FOLDER

__all__ = ["influxdb"]

READER = ["grafana", "read"]


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """The module, which imports its neighbour as the server installs both, into one folder."""
    sys.path.insert(0, str(FOLDER / "server"))
    try:
        yield importlib.import_module("moving_engine")
    finally:
        sys.path.remove(str(FOLDER / "server"))
        for name in ("moving_engine", "influxdb_engine"):
            sys.modules.pop(name, None)


@pytest.fixture
def side(engine: Any, influxdb: InfluxDB) -> Any:
    return engine.Side(f"http://127.0.0.1:{influxdb.server_port}", "telegraf", "", LOGIN, READER)


def series(name: str, *values: list[Any], columns: tuple[str, ...] = ("time", "value"), **more: Any) -> dict[str, Any]:
    return {"name": name, "columns": columns, "values": values, **more}


def test_it_reads_and_writes_with_different_logins(side: Any, influxdb: InfluxDB) -> None:
    influxdb.answer(chunk())
    list(side.everything("SELECT 1"))
    assert influxdb.login == "Basic grafana:read"
    influxdb.answer(status=204)
    assert side.write(["a v=1", "b v=1"]) == ""
    assert (influxdb.login, influxdb.body) == ("Basic admin:pass:word", "a v=1\nb v=1")


@pytest.mark.parametrize(
    ("status", "said", "refused"),
    [
        (400, "partial write: field type conflict", True),
        (422, "partial write: points beyond retention policy dropped=1", True),
        (400, "unable to parse 'a v=9e999'", True),
        (400, "database is required", False),
        (500, "partial write: timeout", False),
        (401, "authorization failed", False),
    ],
)
def test_only_refused_points_are_left_behind(
    side: Any, influxdb: InfluxDB, status: int, said: str, refused: bool
) -> None:
    """Any other failure is no reason to go on: the points would be missing."""
    influxdb.answer(said.encode(), status=status)
    if refused:
        assert said in side.write(["a v=1"])
    else:
        with pytest.raises(OSError, match=said):
            side.write(["a v=1"])


@pytest.mark.parametrize(
    ("duration", "seconds"), [("720h0m0s", 2592000), ("0s", 0), ("1h30m0s", 5400), ("90s", 90), ("8640h", 31104000)]
)
def test_the_default_policy_says_how_long_points_are_kept(
    side: Any, influxdb: InfluxDB, duration: str, seconds: int
) -> None:
    columns = ("name", "duration", "default")
    influxdb.answer(chunk(series("", ["rollup", "1h", False], ["autogen", duration, True], columns=columns)))
    assert side.kept() == seconds
    influxdb.answer(chunk(series("", ["rollup", "1h", False], columns=columns)))
    with pytest.raises(OSError, match="the database telegraf has no default retention policy"):
        side.kept()


def test_the_oldest_point_of_all_measurements_counts(side: Any, influxdb: InfluxDB) -> None:
    """But of those that the server writes about its InfluxDB."""
    found = (series(name, [at * 10**9, 1]) for name, at in (("cpu", 70), ("system", 50), ("moving", 10)))
    influxdb.answer(chunk(*found))
    assert side.oldest("", 100) == 50
    influxdb.answer(chunk())
    assert side.oldest("", 100) == 100


def test_a_field_of_two_types_is_mixed(side: Any, influxdb: InfluxDB) -> None:
    columns = ("fieldKey", "fieldType")
    fields = (["a", "float"], ["b", "integer"], ["b", "float"])
    influxdb.answer(chunk(series("cpu", *fields, columns=columns), series("rollup", ["x", "float"], columns=columns)))
    assert side.types("") == {"cpu": {"a": "float", "b": "mixed"}}


def test_values_are_counted_by_series(side: Any, influxdb: InfluxDB) -> None:
    """A tag without a value is none: InfluxDB lists each tag that any series of a measurement has."""
    columns = ("time", "count_a", "count_b")
    web = series("cpu", [0, 3, None], columns=columns, tags={"host": "web", "site": ""})
    db = series("cpu", [0, 3, 4], columns=columns, tags={"site": "x", "host": "db"})
    influxdb.answer(chunk(web), chunk(db))
    assert side.counts("", "WHERE true") == {
        "cpu": {(("host", "web"),): 3, (("host", "db"), ("site", "x")): 7},
    }


def test_a_measurement_is_written_as_it_was(side: Any, influxdb: InfluxDB) -> None:
    columns = ("time", "whole", "part", "on", "text", "a b", "counter")
    kinds = dict(zip(columns[1:], ("integer", "float", "boolean", "string", "float", "unsigned"), strict=True))
    rows = (
        [1, 5, 5, True, 'a "b" \\', None, 7],
        [2, None, None, None, None, None, None],
        [3, 5.4, 0.1, False, "", 1e300, None],
    )
    tags = {"b=c": "x y", "a": "1,2", "none": ""}
    influxdb.answer(chunk(series("my disk", *rows, columns=columns, tags=tags)))
    assert list(side.points("", "my disk", "WHERE true", kinds)) == [
        'my\\ disk,a=1\\,2,b\\=c=x\\ y whole=5i,part=5.0,on=true,text="a \\"b\\" \\\\",counter=7i 1',
        'my\\ disk,a=1\\,2,b\\=c=x\\ y whole=5i,part=0.1,on=false,text="",a\\ b=1e+300 3',
    ]


def test_a_measurement_is_asked_for_by_all_of_its_letters(side: Any, influxdb: InfluxDB) -> None:
    influxdb.answer(chunk())
    assert list(side.points('"telegraf"."rollup".', "a.b/ä", "WHERE true", {})) == []
    asked = influxdb.asked()["q"][0]
    assert asked == 'SELECT * FROM "telegraf"."rollup"./^a\\x{2e}b\\x{2f}\\x{e4}$/ WHERE true GROUP BY *'


@pytest.mark.parametrize(
    ("answer", "integer"), [({}, True), ({"error": "incompatible types: float and integer"}, False)]
)
def test_only_integers_have_bits(side: Any, influxdb: InfluxDB, answer: dict[str, str], integer: bool) -> None:
    influxdb.answer(chunk(**answer))
    assert side.is_integer("/^cpu$/", 'a"b', "WHERE true") is integer
    assert influxdb.asked()["q"] == ['SELECT "a\\"b" & 0 FROM /^cpu$/ WHERE true LIMIT 1']


def test_another_refusal_is_no_answer_about_integers(side: Any, influxdb: InfluxDB, engine: Any) -> None:
    influxdb.answer(chunk(error="query timeout"))
    with pytest.raises(engine.RefusedError, match="query timeout"):
        side.is_integer("/^cpu$/", "a", "WHERE true")
