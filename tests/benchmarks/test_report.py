"""The report of a run contains what was counted, and what can be extrapolated from it."""

from __future__ import annotations

from benchmarks.load.history import History
from benchmarks.load.lines import Pattern, parsed
from benchmarks.load.people import Asked
from benchmarks.load.report import LIMIT, Outcome, described
from benchmarks.load.senders import Written
from benchmarks.load.server import SERVICES, Use
from benchmarks.load.watch import Watch

MIB = 1024**2


class Server:
    """Stands in for the server. Measured every ten seconds, it has used `each` more CPU seconds each time."""

    def __init__(self, each: float, memory: int) -> None:
        self.each, self.memory, self.looks = each, memory, 0

    def use(self) -> Use:
        self.looks += 1
        services = ("", *SERVICES)
        sizes = dict.fromkeys(services, self.memory)
        return Use(10.0 * self.looks, dict.fromkeys(services, self.each * self.looks), sizes, sizes)


def watch(each: float, memory: int) -> Watch:
    watched = Watch(Server(each, memory))  # type: ignore[arg-type]
    watched.look(0.01)
    return watched


def outcome(**changed: object) -> Outcome:
    pattern = Pattern.of([parsed(f"cpu,host=a usage_idle=9{second} {second}000000000") for second in (0, 10)], 10)
    values = {
        "hosts": 100,
        "people": 2,
        "interval": 10,
        "pattern": pattern,
        "written": Written(latencies=[0.01] * 300, points=300),
        "refreshed": Asked(latencies=[(0.5, "linux-hosts: CPU use")], queries=2, refreshes=[(1.5, "linux-hosts")]),
        "series": 5000,
        "stored": 300,
        "moments": 3,
        "alone": watch(0.1, 50 * MIB),
        "writing": watch(0.6, 100 * MIB),
        "loaded": watch(1.1, 250 * MIB),
        "history": History(
            days=10, size=100 * MIB, values=2e7, written=40, written_days=20, compacted=0, peak=200 * MIB
        ),
        "memory": None,
    }
    return Outcome(**values | changed)  # type: ignore[arg-type]


def row(text: str, name: str) -> str:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return line.strip().removeprefix(name).strip()


def test_refused_and_slow_requests_are_reported() -> None:
    written = Written(latencies=[0.01], failures=["load-001: 503 timeout"])
    refreshed = Asked(latencies=[(LIMIT + 1, "linux-hosts: CPU use")], queries=1)
    text = described(outcome(written=written, refreshed=refreshed))
    assert row(text, "refused or failed") == "1"
    assert "load-001: 503 timeout" in text
    assert row(text, f"over {LIMIT:g} s") == "1"
    assert "linux-hosts: CPU use: 6.0 s" in text


def test_the_cost_of_a_host_is_what_the_load_added() -> None:
    text = described(outcome())
    # 0.05 cores more while a hundred hosts send, and again while people look: one refresh in ten seconds,
    # where two people want two.
    assert row(text, "InfluxDB's CPU per host-day") == "43 CPU seconds, and 86 for dashboards"
    assert row(text, "per refresh").startswith("0.50 CPU seconds")
    assert row(text, "its memory per host") == "2.00 MiB"
    assert row(text, "by CPU").startswith("253 hosts = (0.40 - 0.020 cores)")
    assert row(text, "by disk") == "15 hosts = 10240 MiB / (10.00 MiB per day x 67.7 days)"


def test_without_a_history_nothing_is_extrapolated() -> None:
    assert "Extrapolated" not in described(outcome(history=History()))
