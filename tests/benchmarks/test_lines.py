"""Lines in InfluxDB's line protocol that an agent sent are parsed, and continued under other hosts' names."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.lines import Host, Pattern, Point, parsed

T = 1_700_000_000


def line(moment: int, fields: str, series: str = "net,host=web-1,interface=eth0") -> str:
    return f"{series} {fields} {moment}000000000"


def pattern(*lines: str) -> Pattern:
    return Pattern.of([parsed(each) for each in lines], interval=10)


def sent(host: Host, rounds: int) -> list[list[Point]]:
    return [[parsed(each) for each in host.lines(T + 10 * turn, 10)] for turn in range(rounds)]


def numbers(rounds: list[list[Point]], field: str) -> list[float]:
    return [float(points[0].fields[field].rstrip("iu")) for points in rounds]


def test_a_line_is_parsed() -> None:
    point = parsed(r'disk,host=web-1,path=/a\ b\,c free=5i,label="x, y=\"z\" w",a\ b=1,ok=true 1700000000000000000')
    assert point.measurement == "disk"
    assert point.tags == {"host": "web-1", "path": r"/a\ b\,c"}
    assert point.fields == {"free": "5i", "label": r'"x, y=\"z\" w"', r"a\ b": "1", "ok": "true"}
    assert point.time == T * 10**9
    assert point.of("load-001").series == r"disk,host=load-001,path=/a\ b\,c"


@given(st.dictionaries(st.text("ab\\ ,=", min_size=1), st.text("ab ,=é", min_size=1), min_size=1))
def test_escapes_are_preserved(tags: dict[str, str]) -> None:
    def escaped(text: str) -> str:
        return "".join("\\" + letter if letter in " ,=" else letter for letter in text.replace("\\", "x"))

    series = ",".join(["m", *(f"{escaped(name)}={escaped(value)}" for name, value in tags.items())])
    assert parsed(f"{series} v=1 1").of("h").tags.keys() >= {escaped(name) for name in tags}
    if len({escaped(name) for name in tags}) == len(tags):
        assert parsed(f"{series} v=1 1").series == series


@pytest.mark.parametrize("broken", ["", "cpu", "cpu usage=1", "cpu,host=a 17"])
def test_an_invalid_line_is_quoted(broken: str) -> None:
    with pytest.raises(ValueError, match="not a line") as caught:
        parsed(broken)
    assert repr(broken) in str(caught.value)


def test_a_counter_grows_unevenly_and_never_falls() -> None:
    grown = pattern(*(line(T + 10 * turn, f"bytes_recv={5000 + 100 * turn}i") for turn in range(4)))
    seen = numbers(sent(Host("load-001", grown), 50), "bytes_recv")
    steps = [after - before for before, after in pairwise(seen)]
    assert min(steps) >= 0
    assert len(set(steps)) > 25
    assert 50 < sum(steps) / len(steps) < 200


def test_a_percentage_stays_between_0_and_100_and_varies() -> None:
    shares = pattern(*(line(T + 10 * turn, f"usage_idle={99 - turn % 2}.5") for turn in range(4)))
    seen = numbers(sent(Host("load-001", shares), 200), "usage_idle")
    assert all(0 <= value <= 100 for value in seen)
    assert len(set(seen)) > 100


def test_a_constant_field_keeps_its_value_and_type() -> None:
    still = pattern(*(line(T + 10 * turn, 'n_cpus=2i,name="x",on=true,errors=0i') for turn in range(3)))
    for points in sent(Host("load-001", still), 5):
        assert points[0].fields == {"n_cpus": "2i", "name": '"x"', "on": "true", "errors": "0i"}


def test_hosts_differ_but_each_is_the_same_in_every_run() -> None:
    seen = pattern(*(line(T + 10 * turn, f"used={50_000 + (-1) ** turn * 300}i,total=80000i") for turn in range(4)))
    first, again, other = (sent(Host(name, seen), 5) for name in ("load-001", "load-001", "load-002"))
    assert first == again
    assert numbers(first, "total") != numbers(other, "total")


def test_what_is_measured_once_a_minute_is_sent_once_a_minute() -> None:
    both = pattern(
        line(T, "errors=0i", "ext4,device=sda,host=web-1"), *(line(T + 10 * turn, "v=1") for turn in range(6))
    )
    rounds = sent(Host("load-001", both), 12)
    assert [len(points) for points in rounds].count(2) == 2
    assert both.values_each_interval == pytest.approx(1 + 1 / 6)
    assert {point.tags["host"] for points in rounds for point in points} == {"load-001"}


def test_several_lines_of_a_series_stay_several_lines() -> None:
    system = "system,host=web-1"
    seen = [line(T + 10 * turn, fields, system) for turn in range(3) for fields in ("load1=0.5,load5=0.4", "uptime=9i")]
    (points,) = sent(Host("load-001", pattern(*seen)), 1)
    assert [tuple(point.fields) for point in points] == [("load1", "load5"), ("uptime",)]
    assert pattern(*seen).series == {system}


def test_the_order_of_fields_does_not_matter_and_an_incomplete_first_line_is_left_out() -> None:
    seen = [line(T, "reads=5i"), line(T + 10, "reads=6i,util=0.5"), line(T + 20, "util=0.7,reads=9i")]
    assert [shape[1] for shape in pattern(*seen).lines] == [("reads", "util")]
