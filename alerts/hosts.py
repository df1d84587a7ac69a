"""Every host that reports through Telegraf: is it there, does it have room to work?

No-data and error states of the group. When no host has a value at all, nothing arrives any more: that is
the rule "No measurements arrive" of the server's group, so these rules stay quiet (OK). When one host has
no value any more, it is silent: its other alerts end, and "Host silent" begins. When a query fails, each
alert stays as it was (KeepLast): a failing query is no reason to wake somebody about a host's memory, nor
to tell that its memory is well again.
"""

from __future__ import annotations

from typing import Any

from alerts import missing
from alerts.facts import Facts
from alerts.model import Group, Panel, Query, Rule
from alerts.steps import above, below, between, calculated, influxql, reduced
from dashboards import queries
from dashboards.queries import BY_HOST, REAL_FILE_SYSTEMS, TOTAL_CPU, select
from settings.values import seconds

GROUP = "Hosts"
AHEAD = 60
"""Seconds that a clock may be ahead: more than any that is set over the network ever is."""
NOW = "$timeFilter"
BY_FILE_SYSTEM = (BY_HOST, '"path"')
TREND = round(seconds(queries.TREND))
"""Seconds: how much of the past says how fast a file system fills up."""


def build(facts: Facts) -> Group:
    """The group."""
    rules = (
        _silent(facts),
        _ahead(facts),
        _processors(facts),
        _memory(facts),
        _disk(facts),
        _filling(facts),
        _read_only(facts),
        _disk_errors(facts),
        _load(facts),
        *missing.build(facts),
    )
    return Group(GROUP, facts.interval, rules)


def _rule(*, title: str, steps: tuple[Query, ...], panel: str, **rest: Any) -> Rule:
    return Rule(
        title=title,
        steps=steps,
        panel=Panel("linux-hosts", panel),
        no_data="OK",
        on_error="KeepLast",
        **rest,
    )


def _silent(facts: Facts) -> Rule:
    """Measurements are counted in small steps, zeros included, as long back as a host is remembered; the
    newest steps together are the time of silence. LIMIT applies to each host by itself."""
    step = max(10, facts.silence // 6)
    newest = -(-facts.silence // step) + 1  # the newest step has only just begun
    text = select('count("uptime")', "system", NOW, group=(f"time({step}s)", BY_HOST), fill="0")
    text += f" ORDER BY time DESC LIMIT {newest}"
    span = round(seconds(facts.thresholds.forget_after))
    return _rule(
        uid="host-silent",
        title="Host silent",
        steps=(influxql(facts, text, span), reduced("sum"), below(1)),
        pending="1m",
        severity="critical",
        summary=f"{{{{ $labels.host }}}} has sent nothing for {facts.silence} s",
        look_at="Is the machine up (AWS EC2 dashboard, ping)? Then log in: `systemctl status telegraf`,"
        " `journalctl -u telegraf`; `timedatectl`, for measurements of a clock that is behind arrive as old ones."
        " A machine that was taken down on purpose is forgotten after"
        f" {facts.thresholds.forget_after}.",
        panel="When hosts reported",
    )


def _ahead(facts: Facts) -> Rule:
    """Points are stored under the time of the host's own clock. One that is behind looks silent, and is told as that;
    one that is ahead leaves points for later, by which the host looks alive until their time is over. How late a
    point arrived InfluxDB does not know, so nothing better than the future can be looked for."""
    text = select('count("uptime")', "system", f"time > now() + {AHEAD}s", group=(BY_HOST,))
    return _rule(
        uid="host-clock",
        title="Clock is ahead",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(0)),
        pending="1m",
        severity="critical",
        summary=f"{{{{ $labels.host }}}} sends measurements from more than {AHEAD} s in the future: they cannot be"
        " trusted, and whether it still sends any cannot be told",
        look_at="`timedatectl` on the host, and set its clock right. This alert ends when the time of its wrong points"
        " has come; docs/alerts.md says how to delete them. Does it name all hosts, the server's own clock is behind.",
        panel="Hosts",
    )


def _processors(facts: Facts) -> Rule:
    text = select('100 - mean("usage_idle")', "cpu", NOW, TOTAL_CPU, group=(BY_HOST,))
    return _rule(
        uid="host-cpu",
        title="CPU busy",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(facts.thresholds.cpu)),
        pending="10m",
        severity="warning",
        summary='{{ $labels.host }} uses {{ printf "%.0f" $values.B.Value }} % of its processors',
        look_at="`top` on the host says which process. High “steal” in “CPU by mode” means that an instance's"
        " credits are spent.",
        panel="CPU use",
    )


def _memory(facts: Facts) -> Rule:
    text = select('mean("used_percent")', "mem", NOW, group=(BY_HOST,))
    return _rule(
        uid="host-memory",
        title="Memory nearly full",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(facts.thresholds.memory)),
        pending="5m",
        severity="warning",
        summary='{{ $labels.host }} uses {{ printf "%.0f" $values.B.Value }} % of its memory',
        look_at="`ps aux --sort=-rss | head` on the host; “Swap traffic” says whether it already swaps. From"
        " here the kernel soon kills a process.",
        panel="Memory use",
    )


def _disk(facts: Facts) -> Rule:
    text = select('last("used_percent")', "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    return _rule(
        uid="host-disk",
        title="Disk nearly full",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(facts.thresholds.disk)),
        pending="5m",
        severity="critical",
        summary='{{ $labels.path }} of {{ $labels.host }} is {{ printf "%.0f" $values.B.Value }} % full',
        look_at="`du -xh --max-depth=2 PATH | sort -h | tail` on the host; logs and package caches first.",
        panel="File systems",
    )


def _filling(facts: Facts) -> Rule:
    """The part of the free space that went in the time looked at says how long the rest lasts. A file system
    that does not fill up has a negative or an infinite time to full: both are outside of the limits."""
    text = select('(first("free") - last("free")) / last("free")', "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    within = seconds(facts.thresholds.disk_full_within)
    return _rule(
        uid="host-disk-filling",
        title="Disk fills up",
        steps=(
            influxql(facts, text, facts.window(TREND)),
            reduced("last"),
            calculated(f"{TREND} / $B", "C"),
            between(0, within, "C", "D"),
        ),
        pending="30m",
        severity="warning",
        summary="{{ $labels.path }} of {{ $labels.host }} is full in {{ humanizeDuration $values.C.Value }}",
        look_at="At the speed of the last six hours. What grows: `du -xh --max-depth=2 PATH | sort -h | tail`,"
        " twice, some minutes apart.",
        panel="File systems",
    )


def _read_only(facts: Facts) -> Rule:
    """Linux makes a file system read-only when its disk fails; Telegraf's tag `mode` says so."""
    text = select('count("total")', "disk", NOW, REAL_FILE_SYSTEMS, "\"mode\" = 'ro'", group=BY_FILE_SYSTEM)
    return _rule(
        uid="host-read-only",
        title="File system read-only",
        steps=(influxql(facts, text, facts.window(120)), reduced("last"), above(0)),
        pending="1m",
        severity="critical",
        summary="{{ $labels.path }} of {{ $labels.host }} is read-only",
        look_at="Linux does this when the disk below reports errors: `dmesg -T | grep -i -e error -e remount`."
        " Replace the disk or volume, check the file system, then mount it again.",
        panel="File systems",
    )


def _disk_errors(facts: Facts) -> Rule:
    """ext4 counts what it could not read, write or believe in its superblock, across mounts and reboots; a check
    (e2fsck) sets the count back, and so ends the alert."""
    text = select('last("errors")', "ext4", NOW, group=(BY_HOST, '"device"'))
    return _rule(
        uid="host-disk-errors",
        title="Disk errors",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(0)),
        pending="1m",
        severity="critical",
        summary="Errors of the file system on {{ $labels.device }} of {{ $labels.host }}:"
        ' {{ printf "%.0f" $values.B.Value }}',
        look_at="`dmesg -T | grep -i ext4` and `findmnt -S /dev/DEVICE` on the host. Copy what is dear, unmount,"
        " `e2fsck -f /dev/DEVICE` (it also sets the count back). Errors that come again: replace the disk or volume.",
        panel="Disk errors",
    )


def _load(facts: Facts) -> Rule:
    text = select('mean("load5") / mean("n_cpus")', "system", NOW, group=(BY_HOST,))
    return _rule(
        uid="host-load",
        title="Load high",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(facts.thresholds.load)),
        pending="10m",
        severity="warning",
        summary='{{ $labels.host }} has a load of {{ printf "%.1f" $values.B.Value }} a processor',
        look_at="Processes wait: for processors (“CPU use”) or, when those are idle, for a disk or a network file"
        " system (“Stuck processes”, “Disk latency”).",
        panel="Load a processor",
    )
