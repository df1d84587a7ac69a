"""EC2's metrics, calculated from counters."""

from __future__ import annotations

import pytest

from sandbox.machines.metrics import Counters, Credits, bursts, values


def test_cpu_utilization_is_the_share_of_all_virtual_cpus() -> None:
    used = Counters(seconds=60, cpu_seconds=30)
    assert values(used, 2, healthy=True)["CPUUtilization"] == (25.0, "Percent")
    assert values(used, 1, healthy=True)["CPUUtilization"] == (50.0, "Percent")


def test_cpu_utilization_never_exceeds_100_percent() -> None:
    assert values(Counters(seconds=1, cpu_seconds=5), 2, healthy=True)["CPUUtilization"][0] == 100.0


def test_a_period_is_the_difference_of_two_readings() -> None:
    used = Counters(seconds=70, bytes_in=900, write_bytes=4096).since(Counters(seconds=10, bytes_in=400))
    assert used == Counters(seconds=60, bytes_in=500, write_bytes=4096)
    points = values(used, 1, healthy=True)
    assert points["NetworkIn"] == (500, "Bytes")
    assert points["EBSWriteBytes"] == (4096, "Bytes")


def test_counters_restart_after_a_reboot() -> None:
    before = Counters(seconds=10, cpu_seconds=100, bytes_out=5000)
    assert Counters(seconds=70, cpu_seconds=3, bytes_out=70).since(before).bytes_out == 70


@pytest.mark.parametrize(("healthy", "failed"), [(True, 0.0), (False, 1.0)])
def test_status_check(healthy: bool, failed: float) -> None:
    points = values(Counters(seconds=60), 1, healthy=healthy)
    assert points["StatusCheckFailed"] == points["StatusCheckFailed_Instance"] == (failed, "Count")
    assert points["StatusCheckFailed_System"] == (0.0, "Count")


def test_credits_are_earned_spent_and_capped() -> None:
    credits = Credits("t4g.small", 2)
    assert credits.balance == 0
    credits.book(3600, used=0)
    assert credits.balance == 24
    credits.book(0, used=4)
    assert credits.balance == 20
    credits.book(0, used=100)
    assert credits.balance == 0
    credits.book(10 * 24 * 3600, used=0)
    assert credits.balance == 576, "a day's earnings of a t4g.small"


def test_t2_starts_with_launch_credits_and_other_types_have_no_account() -> None:
    assert Credits("t2.micro", 1).balance == 30
    assert Credits("m7g.large", 2).earned_per_hour is None


def test_a_burst_is_spent_above_the_baseline_and_given_back_below_it() -> None:
    burst = bursts("t3.small")["EBSIOBalance%"]
    assert burst.percent_left == 100
    burst.book(60, moved=60 * 1000)
    assert burst.percent_left == 100, "the baseline is free"
    burst.book(900, moved=900 * 11_800)
    assert burst.percent_left == pytest.approx(50)
    burst.book(3600, moved=3600 * 11_800)
    assert burst.percent_left == 0
    burst.book(24 * 3600, moved=0)
    assert burst.percent_left == 100


@pytest.mark.parametrize("kind", ["t2.small", "m7g.large", "t3.metal"])
def test_types_without_a_burst_have_no_balance(kind: str) -> None:
    assert bursts(kind) == {}
