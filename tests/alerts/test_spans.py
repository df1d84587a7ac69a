"""Every rule on trouble that lasts minutes, hours and days: no alert before, an alert during, none after it.

A rule without an entry in TROUBLES fails. Rules on CloudWatch are in test_ec2.py, selected the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import alerts
from settings.values import seconds
from tests.alerts.conftest import SERVER, Story, asking
from tests.alerts.test_stories import DAY, HOUR, Begin

BEFORE = 20
"""Minutes without trouble before it."""
AFTER = 3 * HOUR
"""Minutes without trouble after it."""
EVERY = 2
"""Minutes between two points."""

Tell = Callable[[Story, float], None]
"""Writes the measurements of trouble that begins at 0 and lasts this many minutes."""


@dataclass(frozen=True)
class Trouble:
    """quiet: the last minute without an alert. begin: the minute by which the condition holds, which can take as long
    as the rule's window. ends: the minutes after the end of the trouble by which the alert has ended."""

    tell: Tell
    quiet: float = -EVERY
    begin: float = 12
    ends: float = AFTER - 1


def values(bad: str, good: str) -> Tell:
    """A value that is good, bad during the trouble, and good again."""

    def tell(story: Story, span: float) -> None:
        story.measured(good, since=-BEFORE, until=-EVERY, every=EVERY)
        story.measured(bad, since=0, until=span, every=EVERY)
        story.measured(good, since=span + EVERY, until=span + AFTER, every=EVERY)

    return tell


def counter(line: str) -> Tell:
    """A counter that grows by one per minute during the trouble."""

    def tell(story: Story, span: float) -> None:
        story.measured(f"{line}=0i", since=-BEFORE, until=-EVERY, every=EVERY)
        story.measured(f"{line}={{}}i", since=0, until=span, every=EVERY)
        story.measured(f"{line}={span:.0f}i", since=span + EVERY, until=span + AFTER, every=EVERY)

    return tell


def absent(*lines: str, present: str) -> Tell:
    """Lines that are not measured during the trouble, while another one is."""

    def tell(story: Story, span: float) -> None:
        story.measured(present, since=-BEFORE, until=span + AFTER, every=EVERY)
        for line in lines:
            story.measured(line, since=-BEFORE, until=0, every=EVERY)
            story.measured(line, since=span + 1, until=span + AFTER, every=EVERY)

    return tell


def ahead(story: Story, span: float) -> None:
    """A clock that was ahead for some minutes: the trouble lasts until its wrong points are in the past."""
    story.measured("system,host=well uptime=1i", since=-BEFORE, until=span + AFTER, every=EVERY)
    story.measured("system,host=fast uptime=1i", since=0, until=EVERY, every=EVERY, ahead=span)


def filling(story: Story, span: float) -> None:
    """Each hour a tenth of the free space is used: at that rate it is full within ten hours, at any time."""
    minute, free = -BEFORE, 1e12
    while minute < span + AFTER:
        story.measured(f"{ROOT},mode=rw free={round(free)}i", since=minute, until=minute)
        minute += EVERY
        if 0 <= minute <= span:
            free *= math.exp(-EVERY / (10 * HOUR))


def not_done(story: Story, span: float) -> None:
    """Down-sampling does not finish; it writes a point when it does (userdata/server/rollup.py)."""
    story.measured(NOTE, since=-5 * HOUR, until=0, every=HOUR)
    story.measured(NOTE, since=span, until=span + AFTER, every=HOUR)


def bad_file(story: Story, span: float) -> None:
    """A damaged file, which is measured as long as it exists (userdata/server/probe.sh)."""
    story.measured(f"influxdb_bad_file,host={SERVER},file=1.bad bytes=5i", since=0, until=span, every=EVERY)


ROOT = "disk,host=web-1,path=/,fstype=ext4"
UP = "system,host={} uptime=1i"
NOTE = "rollup until=1i,since=0i"
WRITES = f"influxdb_write,host={SERVER} writeDrop=0i,writeTimeout=0i,writeError"
DATABASE = f"influxdb_database,host={SERVER},database=telegraf numSeries="
BUFFER = "internal_write,host=web-1,output=influxdb buffer_limit=100i,buffer_size="
ONE, SIX = [UP.format("web-1")], [UP.format(f"web-{n}") for n in range(6)]

TROUBLES = {
    "host-silent": Trouble(absent(*ONE, present=UP.format("well"))),
    "hosts-silent": Trouble(absent(*SIX, present=UP.format("well"))),
    "host-clock": Trouble(ahead, ends=7),
    "host-cpu": Trouble(values(*(f"cpu,host=web-1,cpu=cpu-total usage_idle={n}" for n in (1, 80)))),
    "host-load": Trouble(values(*(f"system,host=web-1 load5={n},n_cpus=2i" for n in (9, 1)))),
    "host-memory": Trouble(values(*(f"mem,host=web-1 used_percent={n}" for n in (99, 50)))),
    "host-inodes": Trouble(values(*(f"{ROOT},mode=rw inodes_used_percent={n},used_percent=9" for n in (97, 5)))),
    "host-disk": Trouble(values(*(f"{ROOT},mode=rw used_percent={n}" for n in (93, 50)))),
    "host-disk-full": Trouble(values(*(f"{ROOT},mode=rw used_percent={n}" for n in (99.9, 50)))),
    "host-disk-errors": Trouble(values(*(f"ext4,host=web-1,device=sda1 errors={n}" for n in (3, 0)))),
    "host-disk-filling": Trouble(filling),
    "host-read-only": Trouble(values(*(f"{ROOT},mode={mode} total=9i" for mode in ("ro", "rw")))),
    "host-no-cpu": Trouble(absent("cpu,host=web-1,cpu=cpu-total usage_idle=50", present=ONE[0]), 0, ends=10),
    "host-no-mem": Trouble(absent("mem,host=web-1 used_percent=50", present=ONE[0]), 0, ends=10),
    "host-no-disk": Trouble(absent(f"{ROOT} used_percent=50", present=ONE[0]), 0, ends=10),
    "host-no-net": Trouble(absent("net,host=web-1,interface=ens5 bytes_recv=5i", present=ONE[0]), 0, ends=10),
    "server-no-data": Trouble(absent(*SIX, present=UP.format(SERVER))),
    "server-data-volume": Trouble(
        values(*(f"disk,host={SERVER},path=/srv/monitoring,fstype=ext4,mode=rw used_percent={n}" for n in (90, 40)))
    ),
    "server-series": Trouble(values(f"{DATABASE}199000i", f"{DATABASE}900i")),
    "server-write-failures": Trouble(counter(WRITES)),
    "server-rollup": Trouble(not_done, quiet=2 * HOUR - 1, begin=2 * HOUR + 1, ends=1),
    "server-bad-file": Trouble(bad_file, ends=8),
    "server-backup": Trouble(values(*(f"backup,host={SERVER} failed={n}i,age=60i" for n in (1, 0)))),
    "agent-errors": Trouble(counter("internal_agent,host=web-1 gather_errors")),
    "agent-hangs": Trouble(counter("internal_gather,host=web-1,input=disk errors=0i,gather_timeouts")),
    "agent-buffer": Trouble(values(f"{BUFFER}80i", f"{BUFFER}1i")),
    "public-certificate-ends": Trouble(
        values(*(f"public_certificate,host={SERVER} left={n * 86400}i" for n in (5, 15)))
    ),
    "certificate-ends": Trouble(values(*(f"x509_cert,host=web-1,source=a expiry={n * 86400}i" for n in (5, 300)))),
}

SPANS = {"minutes": 0, "hours": 6 * HOUR, "days": 2 * DAY}
"""0: as long as it takes to fire, plus a few minutes."""


@pytest.mark.parametrize("lasting", SPANS)
@pytest.mark.parametrize("rule", asking("influxdb"), ids=lambda rule: rule.uid)
def test_a_rule_fires_during_the_trouble_and_ends_after_it(story: Begin, rule: alerts.Rule, lasting: str) -> None:
    trouble, reported = TROUBLES[rule.uid], story(rule.uid)
    fires = trouble.begin + max(seconds(rule.pending), reported.state.interval) / 60
    span = SPANS[lasting] or fires + 6
    trouble.tell(reported, span)

    def beyond(minute: float) -> set[str]:
        """The states of the alerts that are not normal; without data there can be a normal one without a host."""
        return set(reported.at(minute).values()) - {"Normal"}

    assert beyond(-EVERY) == beyond(trouble.quiet) == set()
    beyond(trouble.begin)
    assert beyond(fires) == {"Alerting"}, "it fires"
    assert beyond(span - 1) == {"Alerting"}, "it lasts"
    beyond(span + min(5, trouble.ends))
    assert beyond(span + trouble.ends) == set(), "it is over"


@pytest.mark.parametrize("rule", asking(), ids=lambda rule: rule.uid)
def test_a_rule_without_queries_always_fires(story: Begin, rule: alerts.Rule) -> None:
    reported = story(rule.uid)
    for minute in (0, 1, 40, 6 * HOUR, 2 * DAY):
        assert reported.at(minute) == {SERVER: "Alerting"}


def test_a_new_server_has_time_for_down_sampling(story: Begin) -> None:
    reported = story("server-rollup")
    assert reported.at(0) == reported.at(9) == {SERVER: "Pending"}
    assert reported.at(11) == {SERVER: "Alerting"}, "it never ran"
    reported.measured(NOTE, since=12, until=12)
    assert set(reported.at(13).values()) == {"Normal"}
