"""Every host that reports through Telegraf: is it there, does it have room to work?

No-data and error states of the group. When no host has a value at all, nothing arrives any more: that is the rule "No
measurements arrive" of the server's group, so these rules stay quiet (OK), or as they were (KeepLast) where an end
would be an all-clear that nobody can give. When one host has no value any more, it is silent, and "Host silent"
begins. When a query fails, each alert stays as it was (KeepLast): a failing query is no reason to wake somebody about
a host's memory, nor to say that its memory is well again. A pending alert fires meanwhile, once its time has passed:
its condition held when it was last looked at.

Severities: critical is what cannot wait until morning, because something is broken or lost by then; warning is work for
the day. A file system that is 90 % full may have 400 GB left: a warning. At 98 % writes soon fail, and memory of which
95 % are used is followed by the kernel ending a process, at any hour: critical.
"""

from __future__ import annotations

from typing import Any

from alerts import kept, missing, silence
from alerts.facts import Facts
from alerts.model import NEVER, Group, Panel, Query, Rule
from alerts.steps import LESS, NOW, above, below, calculated, end_of, influxql, reduced
from dashboards import queries
from dashboards.queries import BY_HOST, REAL_FILE_SYSTEMS, TOTAL_CPU, select
from settings.values import seconds

MANY = 20
"""Percent of the hosts."""
SOME = 3
"""Hosts: fewer are not many, however large a share they are."""
FULL = 98
"""Percent of a file system: from here on writes soon fail."""
AHEAD = 60
"""Seconds that a clock may be ahead: more than any that is set over the network ever is."""
PATH = '"path"'
USED = ("used_percent", "disk", REAL_FILE_SYSTEMS)
"""How full file systems are: field, measurement and condition."""
BY_FILE_SYSTEM = (BY_HOST, PATH)
HOUR = 3600
TREND = round(seconds(queries.TREND))
"""Seconds: how much of the past says how fast a file system fills up."""


def build(facts: Facts) -> tuple[Group, Group]:
    """The groups: what somebody may have to get up for, and what takes hours or can wait some minutes."""
    fast = (
        _silent(facts),
        _many_silent(facts),
        _ahead(facts),
        _processors(facts),
        _memory(facts),
        _disk_full(facts),
        _read_only(facts),
        _load(facts),
    )
    slow = (_disk(facts), _inodes(facts), _filling(facts), _disk_errors(facts), *missing.build(facts))
    return Group("Hosts", facts.interval, fast), Group("Hosts, slow signals", facts.slow_interval, slow)


def _rule(*, title: str, steps: tuple[Query, ...], panel: str, **rest: Any) -> Rule:
    return Rule(
        title=title,
        steps=steps,
        panel=Panel("linux-hosts", panel),
        on_error="KeepLast",
        **{"no_data": "OK", **rest},
    )


def _silent(facts: Facts) -> Rule:
    return _rule(
        uid="host-silent",
        title="Host silent",
        steps=(silence.alive(facts, "A"), reduced("sum"), below(1)),
        pending="1m",
        keep_firing="5m",
        missing=NEVER,
        no_data="KeepLast",
        labels=silence.CAUSE,
        severity="critical",
        summary=f"{{{{ $labels.host }}}} has sent nothing for {facts.silence} s",
        look_at="Is the machine up (AWS EC2 dashboard, ping)? Then log in: `systemctl status telegraf`,"
        " `journalctl -u telegraf`; `timedatectl`, since measurements from a clock that is behind look old."
        " If the machine was taken down on purpose, silence this alert. Give machines that come and go the tag"
        ' `ephemeral: "true"`.',
        panel="When hosts reported",
    )


def _many_silent(facts: Facts) -> Rule:
    """Agents that are cut off together: one cause, which is in the network or the server, not in fifty hosts."""
    others = (silence.PERSISTENT, f"\"host\" != '{facts.server}'")
    return _rule(
        uid="hosts-silent",
        title="Many hosts silent",
        steps=(
            silence.reporting(facts, "A", *others),
            reduced("sum"),
            silence.remembered(facts, "C", *others),
            reduced("sum", "C", "D"),
            calculated("100 * ($D - $B) / $D", "E"),
            calculated(f"$E > {MANY} && $D - $B >= {SOME}", "F"),
            above(0, "F", "G"),
        ),
        pending="1m",
        keep_firing="5m",
        missing=NEVER,
        no_data="KeepLast",
        labels={**silence.CAUSE, "host": facts.server},
        severity="critical",
        summary=f"{facts.server}: "
        '{{ printf "%.0f" $values.E.Value }} % of the {{ printf "%.0f" $values.D.Value }} hosts are silent',
        look_at="Before you look at single hosts, look for what they share: the network in between, port 8086 of the"
        " server and its security group, the certificate, the password.",
        panel="When hosts reported",
    )


def _ahead(facts: Facts) -> Rule:
    """Points are stored under the time of the host's own clock. One that is behind looks silent;
    one that is ahead leaves points for later, by which the host looks alive until their time is over. How late a
    point arrived InfluxDB does not know, so nothing better than the future can be looked for."""
    text = select('count("uptime")', "system", f"time > now() + {AHEAD}s", group=(BY_HOST,))
    return _rule(
        uid="host-clock",
        title="Clock is ahead",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(0)),
        pending="1m",
        missing=0,  # it is over when there is no such point any more
        severity="critical",
        summary=f"{{{{ $labels.host }}}} sends measurements from more than {AHEAD} s in the future: they cannot"
        " be trusted, and it may have stopped sending",
        look_at="`timedatectl` on the host, then correct its clock. This alert ends once the time of its wrong"
        " points has passed; docs/alerts.md says how to delete them. If it names all hosts, the server's own clock is"
        " behind.",
        panel="Hosts",
    )


def _processors(facts: Facts) -> Rule:
    text = select('100 - mean("usage_idle")', "cpu", NOW, TOTAL_CPU, group=(BY_HOST,))
    return _rule(
        uid="host-cpu",
        title="CPU busy",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(facts.thresholds.cpu, until=facts.thresholds.cpu - LESS),
        ),
        pending="10m",
        severity="warning",
        summary='{{ $labels.host }} uses {{ printf "%.0f" $values.B.Value }} % of its CPU',
        look_at="`top` on the host shows which process. High “steal” in “CPU by mode” means that the instance"
        " has used up its CPU credits.",
        panel="CPU use",
    )


def _memory(facts: Facts) -> Rule:
    limit = facts.thresholds.memory
    return _rule(
        uid="host-memory",
        title="Memory nearly full",
        steps=kept.of_host(
            facts, "used_percent", "mem", limit=limit, until=limit - LESS, pending="5m", interval=facts.interval
        ),
        pending="5m",
        missing=NEVER,
        no_data="KeepLast",
        severity="critical",
        summary='{{ $labels.host }} uses {{ printf "%.0f" $values.B.Value }} % of its memory',
        look_at="`ps aux --sort=-rss | head` on the host; “Swap traffic” shows whether it is swapping"
        " already. The kernel will soon kill a process.",
        panel="Memory use",
    )


def _nearly_used_up(facts: Facts, field: str) -> tuple[Query, ...]:
    """What is left of each file system, by a percentage in the measurement of disks."""
    limit = facts.thresholds.disk
    return kept.of_each(
        facts,
        field,
        *USED[1:],
        each=PATH,
        limit=limit,
        until=end_of(limit),
        pending="5m",
        interval=facts.slow_interval,
    )


def _disk(facts: Facts) -> Rule:
    return _rule(
        uid="host-disk",
        title="Disk nearly full",
        steps=_nearly_used_up(facts, USED[0]),
        pending="5m",
        missing=NEVER,
        no_data="KeepLast",
        severity="warning",
        summary='{{ $labels.path }} of {{ $labels.host }} is {{ printf "%.0f" $values.B.Value }} % full',
        look_at="`du -xh --max-depth=2 PATH | sort -h | tail` on the host; logs and package caches first.",
        panel="File systems",
    )


def _disk_full(facts: Facts) -> Rule:
    return _rule(
        uid="host-disk-full",
        title="Disk full",
        steps=kept.of_each(facts, *USED, each=PATH, limit=FULL, until=FULL - 1, pending="1m", interval=facts.interval),
        pending="1m",
        missing=NEVER,
        no_data="KeepLast",
        severity="critical",
        summary='{{ $labels.path }} of {{ $labels.host }} is {{ printf "%.1f" $values.B.Value }} % full: writes fail,'
        " or soon will",
        look_at="`du -xh --max-depth=2 PATH | sort -h | tail` on the host. `journalctl --vacuum-size=200M`"
        " and `apt-get clean` free space at once; a deleted file that is still open keeps its space (`lsof +L1`).",
        panel="File systems",
    )


def _inodes(facts: Facts) -> Rule:
    """Without inodes no file can be made, however much space is free. Btrfs makes them as needed and reports none."""
    return _rule(
        uid="host-inodes",
        title="Inodes nearly used up",
        steps=_nearly_used_up(facts, "inodes_used_percent"),
        pending="5m",
        missing=NEVER,
        no_data="KeepLast",
        severity="warning",
        summary='{{ $labels.path }} of {{ $labels.host }} has {{ printf "%.0f" $values.B.Value }} % of its inodes'
        " in use",
        look_at="`du -x --inodes --max-depth=2 PATH | sort -n | tail` on the host: many small files, such as a mail"
        " queue, sessions or a cache. At 100 % no file can be created, however much space is free.",
        panel="Inodes",
    )


def _filling(facts: Facts) -> Rule:
    """Speeds are those between the first and the last value there is, so a host that reports for an hour is judged by
    that hour. The last hour has to agree: one big file is over, however long six hours remember it. A file system that
    does not fill up has a negative or an infinite time to full: both are outside of the limits."""
    within = round(seconds(facts.thresholds.disk_full_within))
    newest = select('last("free")', "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    speed = queries.speed("free", "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    return _rule(
        uid="host-disk-filling",
        title="Disk fills up",
        steps=(
            influxql(facts, newest, facts.window(300)),
            reduced("last"),
            influxql(facts, speed, facts.window(TREND), "C"),
            reduced("last", "C", "D"),
            influxql(facts, speed, facts.window(HOUR), "E"),
            reduced("last", "E", "F"),
            calculated("$B / (0 - $D)", "G"),
            calculated("$B / (0 - $F)", "H"),
            calculated(f"$G > 0 && $G < {within} && $H > 0 && $H < {within}", "I"),
            above(0, "I", "J"),
        ),
        pending="30m",
        severity="warning",
        summary="{{ $labels.path }} of {{ $labels.host }} is full in {{ humanizeDuration $values.G.Value }}",
        look_at="At the rate of the last six hours and of the last hour. To find what grows:"
        " `du -xh --max-depth=2 PATH | sort -h | tail`, twice, some minutes apart.",
        panel="File systems",
    )


def _read_only(facts: Facts) -> Rule:
    """Linux makes a file system read-only when its disk fails; Telegraf's tag `mode` says so."""
    return _rule(
        uid="host-read-only",
        title="File system read-only",
        steps=kept.of_each(
            facts,
            *("total", *USED[1:]),
            each=PATH,
            only="\"mode\" = 'ro'",
            limit=0,
            pending="1m",
            interval=facts.interval,
        ),
        pending="1m",
        missing=NEVER,
        no_data="KeepLast",
        severity="critical",
        summary="{{ $labels.path }} of {{ $labels.host }} is read-only",
        look_at="Linux does this when the underlying disk reports errors: `dmesg -T | grep -i -e error -e remount`."
        " Replace the disk or volume, check the file system, then mount it again.",
        panel="File systems",
    )


def _disk_errors(facts: Facts) -> Rule:
    """ext4 counts what it could not read, write or verify in its superblock, across mounts and reboots; a check
    (e2fsck) sets the count back, and so ends the alert."""
    return _rule(
        uid="host-disk-errors",
        title="Disk errors",
        steps=kept.of_each(
            facts, "errors", "ext4", each='"device"', limit=0, pending="0s", interval=facts.slow_interval
        ),
        pending="0s",  # what was counted stays, and is counted once a minute
        missing=NEVER,
        no_data="KeepLast",
        severity="critical",
        summary="Errors of the file system on {{ $labels.device }} of {{ $labels.host }}:"
        ' {{ printf "%.0f" $values.B.Value }}',
        look_at="`dmesg -T | grep -i ext4` and `findmnt -S /dev/DEVICE` on the host. Copy what you need to keep,"
        " unmount, `e2fsck -f /dev/DEVICE` (which also resets the count). If errors come back, replace the"
        " disk or volume.",
        panel="Disk errors",
    )


def _load(facts: Facts) -> Rule:
    text = select('mean("load5") / mean("n_cpus")', "system", NOW, group=(BY_HOST,))
    return _rule(
        uid="host-load",
        title="Load high",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(facts.thresholds.load, until=0.9 * facts.thresholds.load),
        ),
        pending="10m",
        severity="warning",
        summary='{{ $labels.host }} has a load of {{ printf "%.1f" $values.B.Value }} per CPU',
        look_at="Processes are waiting: for CPU (“CPU use”) or, if that is idle, for a disk or a network file"
        " system (“Stuck processes”, “Disk latency”).",
        panel="Load per CPU",
    )
