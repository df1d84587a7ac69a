"""Each plain rule on trouble that lasts minutes, hours or days: silent before, firing in it, over after it."""

from __future__ import annotations

import pytest

from settings.values import seconds
from tests.alerts.conftest import SERVER
from tests.alerts.test_stories import DAY, HOUR, Begin

VOLUME = f"disk,host={SERVER},path=/srv/monitoring,fstype=ext4,mode=rw used_percent="
WRITES = f"influxdb_write,host={SERVER} writeDrop=0i,writeTimeout=0i,writeError="
TIMEOUTS = "internal_gather,host=web-1,input=disk errors=0i,gather_timeouts="
RULES = [
    ("host-cpu", "cpu,host=web-1,cpu=cpu-total usage_idle=1", "cpu,host=web-1,cpu=cpu-total usage_idle=80"),
    ("host-load", "system,host=web-1 load5=9,n_cpus=2i", "system,host=web-1 load5=1,n_cpus=2i"),
    ("host-disk-errors", "ext4,host=web-1,device=sda1 errors=3", "ext4,host=web-1,device=sda1 errors=0"),
    ("server-data-volume", f"{VOLUME}90", f"{VOLUME}40"),
    ("server-series", *(f"influxdb_database,host=web-1,database=telegraf numSeries={n}i" for n in (199_000, 900))),
    ("server-write-failures", f"{WRITES}{{}}i", f"{WRITES}{{last}}i"),
    ("agent-hangs", f"{TIMEOUTS}{{}}i", f"{TIMEOUTS}{{last}}i"),
    (
        "agent-buffer",
        *(f"internal_write,host=web-1,output=influxdb buffer_size={n}i,buffer_limit=100i" for n in (80, 1)),
    ),
    ("server-backup", *(f"backup,host={SERVER} failed={n}i,age=60i" for n in (1, 0))),
    ("certificate-ends", *(f"x509_cert,host=web-1,source=a expiry={days * 86400}i" for days in (5, 300))),
]


@pytest.mark.parametrize("span", [40, 6 * HOUR, 2 * DAY])
@pytest.mark.parametrize(("uid", "bad", "good"), RULES, ids=[rule[0] for rule in RULES])
def test_a_rule_over_a_span(story: Begin, uid: str, bad: str, good: str, span: float) -> None:
    reported, every = story(uid), 2
    if "{last}" not in good:
        reported.measured(good, since=-20, until=-every, every=every)
        assert set(reported.at(-every).values()) <= {"Normal"}
    reported.measured(bad, since=0, until=span, every=every)
    well = good.replace("{last}", str(span))
    reported.measured(well, since=span + every, until=span + 3 * HOUR, every=every)
    begin = 12  # a window's length: the trouble has to be all there is in it
    reported.at(begin)
    pending = seconds(reported.rule.pending) / 60
    step = reported.state.interval / 60
    assert set(reported.at(begin + max(pending, step)).values()) == {"Alerting"}, "it fires"
    assert set(reported.at(span - 1).values()) == {"Alerting"}, "it lasts"
    assert set(reported.at(span + 3 * HOUR - 1).values()) == {"Normal"}, "it is over"


def trouble(states: dict[str, str]) -> dict[str, str]:
    """The alerts that are not normal; without data there is one of nobody's that is."""
    return {whose: state for whose, state in states.items() if state != "Normal"}


@pytest.mark.parametrize("span", [3 * HOUR, 12 * HOUR, 2 * DAY])
def test_down_sampling_that_stops_or_falls_behind_for_a_span(story: Begin, span: float) -> None:
    """It notes the hour in which it last finished (userdata/server/rollup.py)."""
    reported = story("server-rollup")
    reported.measured("rollup until=1i,since=0i", since=-5 * HOUR, until=0, every=HOUR)
    reported.measured("rollup until=1i,since=0i", since=span, until=span + HOUR, every=HOUR)
    assert trouble(reported.at(0)) == trouble(reported.at(HOUR + 59)) == {}
    assert trouble(reported.at(2 * HOUR + 1)) == {SERVER: "Pending"}
    assert trouble(reported.at(2 * HOUR + 12)) == trouble(reported.at(span - 1)) == {SERVER: "Alerting"}
    assert trouble(reported.at(span + 1)) == {}


def test_a_new_server_has_time_for_down_sampling(story: Begin) -> None:
    reported = story("server-rollup")
    assert trouble(reported.at(0)) == trouble(reported.at(9)) == {SERVER: "Pending"}
    assert trouble(reported.at(11)) == {SERVER: "Alerting"}, "it never ran"
    reported.measured("rollup until=1i,since=0i", since=12, until=12)
    assert trouble(reported.at(13)) == {}


@pytest.mark.parametrize("span", [40, 6 * HOUR, 2 * DAY])
def test_a_file_that_was_set_aside_for_a_span(story: Begin, span: float) -> None:
    """As long as it lies there, and no longer (userdata/server/probe.sh)."""
    reported = story("server-bad-file")
    reported.measured(f"influxdb_bad_file,host={SERVER},file=1.bad bytes=5i", since=0, until=span, every=1)
    assert trouble(reported.at(-1)) == {}
    assert trouble(reported.at(1)) == trouble(reported.at(span)) == {SERVER: "Alerting"}
    assert [trouble(reported.at(span + minute)) for minute in (6, 7, 8)][-1] == {}


@pytest.mark.parametrize("ahead", [10, 6 * HOUR, 2 * DAY])
def test_a_clock_that_is_ahead_by_a_span(story: Begin, ahead: float) -> None:
    """Until the time of its wrong points has passed: it was corrected after five minutes."""
    reported = story("host-clock")
    reported.measured("system,host=well uptime=1i", since=-5, until=5, every=1)
    reported.measured("system,host=fast uptime=1i", since=0, until=5, every=1, ahead=ahead)
    assert trouble(reported.at(-1)) == {}
    assert trouble(reported.at(0.5)) == {"fast": "Pending"}
    assert trouble(reported.at(2)) == trouble(reported.at(5 + ahead - 2)) == {"fast": "Alerting"}
    assert [trouble(reported.at(ahead + minute)) for minute in (5, 6, 7)][-1] == {}


@pytest.mark.parametrize("span", [40, 5 * HOUR, 2 * DAY])
@pytest.mark.parametrize(
    ("uid", "line"),
    [
        ("host-no-cpu", "cpu,host=web-1,cpu=cpu-total usage_idle=50"),
        ("host-no-mem", "mem,host=web-1 used_percent=50"),
        ("host-no-disk", "disk,host=web-1,path=/,fstype=ext4 used_percent=50"),
        ("host-no-net", "net,host=web-1,interface=ens5 bytes_recv=5i"),
    ],
)
def test_a_part_that_is_not_measured_over_a_span(story: Begin, uid: str, line: str, span: float) -> None:
    """What was measured is known for six hours; after that the alert stays as it is until it is measured again."""
    reported = story(uid)
    reported.measured("system,host=web-1 uptime=1i", since=-20, until=span + 30, every=2)
    reported.measured(line, since=-20, until=0, every=2)
    reported.measured(line, since=span, until=span + 30, every=2)
    assert reported.at(0) == {"web-1": "Normal"}
    reported.at(5)
    assert reported.at(10) == {"web-1": "Alerting"}
    assert reported.at(span - 1) == {"web-1": "Alerting"}
    assert reported.at(span + 10) == {"web-1": "Normal"}
