"""Rules over minutes, hours and days: when alerts fire, and above all when they may end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.alerts.conftest import SERVER, Story

Begin = Callable[[str], Story]
HOUR, DAY = 60, 24 * 60
"""Minutes."""


def disk(host: str, percent: float, path: str = "/", tags: str = "") -> str:
    return f"disk,host={host},path={path},fstype=ext4,mode=rw{tags} used_percent={percent}"


def test_a_silent_host_fires_until_it_is_back(story: Begin) -> None:
    reported = story("host-silent")
    reported.measured("system,host=web-1 uptime=1i", since=0, until=5, every=0.5)
    reported.measured("system,host=web-1 uptime=1i", since=30, until=60, every=0.5)
    assert reported.at(7) == {"web-1": "Normal"}
    assert reported.at(9) == {"web-1": "Pending"}
    assert reported.at(10) == {"web-1": "Alerting"}
    assert reported.at(29) == {"web-1": "Alerting"}
    assert reported.at(31) == {"web-1": "Recovering"}
    assert reported.at(36) == {"web-1": "Normal"}


@pytest.mark.parametrize("days", [1 / 24, 1, 6, 8, 20])
def test_the_alert_of_a_host_that_never_returns_does_not_end(story: Begin, days: float) -> None:
    """Also after `forgetAfter`, which is less than eight days."""
    reported = story("host-silent")
    reported.measured("system,host=web-1 uptime=1i", since=0, until=1, every=0.5)
    reported.measured("system,host=well uptime=1i", since=days * DAY - 5, until=days * DAY + 5, every=0.5)
    reported.at(10)
    assert reported.at(11)["web-1"] == "Alerting"
    assert reported.at(days * DAY) == {"web-1": "Alerting", "well": "Normal"}


def test_an_ephemeral_host_may_fall_silent(story: Begin) -> None:
    reported = story("host-silent")
    reported.measured("system,host=auto,ephemeral=true uptime=1i", since=0, until=5, every=0.5)
    reported.measured("system,host=named,ephemeral=false uptime=1i", since=0, until=5, every=0.5)
    reported.at(10)
    assert reported.at(12) == {"auto": "Normal", "named": "Alerting"}


@pytest.mark.parametrize("uid", ["host-disk", "host-disk-full"])
def test_the_disk_alert_of_a_host_that_then_dies_does_not_end(story: Begin, uid: str) -> None:
    reported = story(uid)
    reported.measured(disk("web-1", 99.5), since=0, until=10, every=1)
    reported.measured(disk("web-1", 50), since=9 * DAY, until=9 * DAY + 9, every=1)
    reported.at(3)
    assert reported.at(9) == {"web-1/": "Alerting"}
    for minute in (15, 30, 6 * HOUR, 3 * DAY, 8 * DAY):
        assert reported.at(minute) == {"web-1/": "Alerting"}, minute
    assert reported.at(9 * DAY + 1) == {"web-1/": "Normal"}


def test_the_alert_of_a_full_file_system_ends_when_it_is_unmounted(story: Begin) -> None:
    reported = story("host-disk")
    reported.measured(disk("web-1", 97, "/mnt"), since=0, until=10, every=1)
    reported.measured(disk("web-1", 40), since=0, until=60, every=1)
    reported.at(3)
    assert reported.at(9) == {"web-1/mnt": "Alerting", "web-1/": "Normal"}
    assert reported.at(27) == {"web-1/mnt": "Normal", "web-1/": "Normal"}


def test_the_disk_alert_of_an_ephemeral_host_ends_with_it(story: Begin) -> None:
    reported = story("host-disk")
    reported.measured(disk("auto", 97, tags=",ephemeral=true"), since=0, until=10, every=1)
    reported.at(3)
    assert reported.at(9) == {"auto/": "Alerting"}
    assert reported.at(27) == {"auto/": "Normal"}


def test_the_alert_of_a_read_only_file_system_ends_when_it_is_writable_but_not_when_its_host_dies(story: Begin) -> None:
    reported = story("host-read-only")
    line = "disk,host={},path=/,fstype=ext4,mode={} total=9i"
    for host in ("repaired", "dead"):
        reported.measured(line.format(host, "ro"), since=0, until=10, every=1)
    reported.measured(line.format("repaired", "rw"), since=11, until=90, every=1)
    reported.at(3)
    assert set(reported.at(5).values()) == {"Alerting"}
    assert reported.at(80) == {"repaired/": "Normal", "dead/": "Alerting"}


def test_a_value_that_hovers_around_its_limit_is_one_alert(story: Begin) -> None:
    """It begins above 95 and ends below 90."""
    reported = story("host-memory")
    for minute, percent in enumerate((96, 96, 96, 96, 96, 96, 94, 96, 91, 96, 89, 94)):
        reported.measured(f"mem,host=web-1 used_percent={percent}", since=minute, until=minute)
    seen = [reported.at(minute + 0.5)["web-1"] for minute in range(12)]
    assert seen == ["Pending"] * 5 + ["Alerting"] * 5 + ["Normal"] * 2


def filling(story: Story, host: str, spans: list[tuple[float, float, float]], free: float) -> None:
    """Free space, in GB. spans: (since, until, GB used per hour), in minutes, one after the other."""
    for since, until, speed in spans:
        steps = int((until - since) / 5)
        for n in range(steps + 1):
            left = free - speed * n * 5 / 60
            line = f"disk,host={host},path=/,fstype=ext4,mode=rw free={round(left * 1e9)}i"
            story.written.append((since + n * 5, line))
        free -= speed * (until - since) / 60


def test_time_to_full_is_calculated_from_the_data_that_exists(story: Begin) -> None:
    """An hour of data, 10 GB per hour, 70 GB left: seven hours, not the 49 that a span of six hours would give."""
    reported = story("host-disk-filling")
    filling(reported, "new", [(0, 60, 10)], 80)
    reported.at(30)
    assert reported.at(60) == {"new/": "Alerting"}
    [alert] = reported.state.alerts.values()
    assert alert.annotations["summary"].startswith(("/ of new is full in 7h 0m", "/ of new is full in 6h 59m"))


def test_one_big_file_does_not_keep_the_alert_firing_for_six_hours(story: Begin) -> None:
    reported = story("host-disk-filling")
    filling(reported, "copied", [(0, 180, 0), (180, 195, 200), (195, 480, 0)], 100)
    filling(reported, "growing", [(0, 480, 6)], 100)
    states = [reported.at(minute) for minute in (200, 231, 262, 300, 331, 480)]
    assert states[1]["copied/"] == "Alerting"  # in the first hour it could go on like this
    assert [state["copied/"] for state in states[2:]] == ["Normal"] * 4
    assert states[-1]["growing/"] == "Alerting"


def test_a_disk_that_fills_over_days_is_reported_a_day_ahead_until_there_is_room(story: Begin) -> None:
    reported = story("host-disk-filling")
    full = 4 * DAY - 4 * HOUR  # 92 hours at 1 GB per hour: 8 GB left
    filling(reported, "slow", [(0, full, 1)], 100)
    filling(reported, "slow", [(full + 5, full + 120, -30)], 8)
    assert reported.at(2 * DAY) == {"slow/": "Normal"}
    assert reported.at(3 * DAY) == {"slow/": "Normal"}, "28 GB left"
    reported.at(full - 6 * HOUR)
    assert reported.at(full - 5 * HOUR) == {"slow/": "Alerting"}, "13 GB left"
    assert reported.at(full) == {"slow/": "Alerting"}
    assert reported.at(full + 110) == {"slow/": "Normal"}


def fleet(story: Story, hosts: int, cut: int, at: float, until: float) -> None:
    """Hosts that have reported for ten minutes at `at`, when `cut` of them stop."""
    for number in range(hosts):
        end = at if number < cut else until
        story.measured(f"system,host=web-{number} uptime=1i", since=at - 10, until=end, every=1)
    story.measured(f"system,host={SERVER} uptime=1i", since=at - 10, until=until, every=1)


@pytest.mark.parametrize(
    ("hosts", "cut", "expected"), [(50, 11, "Alerting"), (50, 10, "Normal"), (50, 50, "Alerting"), (4, 2, "Normal")]
)
def test_many_silent_hosts_are_one_alert(story: Begin, hosts: int, cut: int, expected: str) -> None:
    reported = story("hosts-silent")
    fleet(reported, hosts, cut, 10, 30)
    for number in range(20):  # ephemeral hosts do not count
        reported.measured(f"system,host=auto-{number},ephemeral=true uptime=1i", since=0, until=10, every=5)
    assert reported.at(10) == {SERVER: "Normal"}
    reported.at(15)
    assert reported.at(16) == {SERVER: expected}
    reported.measured(f"system,host={SERVER} uptime=1i", since=31, until=2 * DAY, every=2 * DAY - 31)
    if expected == "Alerting":
        assert reported.at(2 * DAY) == {SERVER: "Alerting"}


@pytest.mark.parametrize(
    ("hosts", "cut", "own", "expected"),
    [
        (3, 3, True, "Alerting"),  # the server's own points do not count
        (3, 2, True, "Normal"),
        (1, 1, True, "Normal"),  # the rule "Host silent" reports it
        (1, 1, False, "Alerting"),
        (0, 0, True, "Normal"),  # a new stack
        (0, 0, False, "Alerting"),
    ],
)
def test_missing_data_of_all_hosts_is_an_alert(story: Begin, hosts: int, cut: int, own: bool, expected: str) -> None:
    reported = story("server-no-data")
    fleet(reported, hosts, cut, 10, 30)
    if not own:
        reported.written = [(at, line) for at, line in reported.written if at <= 10 or SERVER not in line]
    assert reported.at(10) == {SERVER: "Normal"}
    reported.at(20)
    assert reported.at(22) == {SERVER: expected}


@pytest.mark.parametrize(
    ("uid", "died", "fires"), [("host-disk", 2, 15), ("host-disk-full", 0.2, 2), ("host-memory", 1, 7)]
)
def test_a_pending_alert_of_a_host_that_dies_still_fires(story: Begin, uid: str, died: float, fires: float) -> None:
    reported = story(uid)
    line = "mem,host=web-1 used_percent=99.5" if uid == "host-memory" else disk("web-1", 99.5)
    reported.measured(line, since=-5, until=died, every=0.2)
    step = reported.state.interval / 60
    seen = [reported.at(n * step) for n in range(round(fires / step) + 1)]
    assert set(seen[0].values()) == {"Pending"} and set(seen[-1].values()) == {"Alerting"}
    assert set(reported.at(DAY).values()) == {"Alerting"}


def test_the_alert_of_a_full_file_system_ends_when_its_host_returns_without_it(story: Begin) -> None:
    """The rule looks at the last six hours."""
    reported = story("host-disk")
    reported.measured(disk("web-1", 97, "/mnt"), since=0, until=10, every=1)
    reported.measured(disk("web-1", 40), since=5 * HOUR, until=6 * HOUR, every=1)
    reported.at(3)
    assert reported.at(9) == {"web-1/mnt": "Alerting"}
    assert reported.at(4 * HOUR) == {"web-1/mnt": "Alerting"}
    assert reported.at(5 * HOUR + 2) == {"web-1/mnt": "Normal", "web-1/": "Normal"}


def test_no_alert_lacks_its_host(story: Begin) -> None:
    """A dead host with a read-only file system and one other: Grafana joins two single numbers whatever their labels
    are."""
    reported = story("host-read-only")
    line = "disk,host={},path=/,fstype=ext4,mode={} total=9i"
    reported.measured(line.format("dead", "ro"), since=0, until=10, every=1)
    reported.measured(line.format("well", "rw"), since=0, until=DAY, every=5)
    for minute in (3, 5, 30, HOUR, DAY):
        seen = reported.at(minute)
        assert "" not in seen and seen["well/"] == "Normal", minute
    assert seen["dead/"] == "Alerting"


def test_a_restart_of_an_agent_does_not_end_its_alert(story: Begin) -> None:
    """Its counters start at zero again, and continue to grow."""
    reported = story("agent-errors")
    for minute in range(60):
        errors = 1000 + 6 * minute if minute < 30 else 6 * (minute - 30)
        reported.measured(f"internal_agent,host=web-1 gather_errors={errors}i", since=minute, until=minute)
    assert reported.at(20) == {"web-1": "Pending"}
    assert [reported.at(minute) for minute in (25, 35, 45, 55)] == [{"web-1": "Alerting"}] * 4
