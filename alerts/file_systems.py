"""The file systems of every host: do they have room, and can they be written to? For the states see hosts.py."""

from __future__ import annotations

from alerts import kept
from alerts.facts import Facts
from alerts.model import NEVER, Query, Rule, host_rule
from alerts.steps import NOW, above, calculated, end_of, influxql, reduced
from dashboards import queries
from dashboards.queries import BY_HOST, REAL_FILE_SYSTEMS, select
from settings.values import seconds

FULL = 98
"""Percent of a file system: above it, writes will soon fail."""
PATH = '"path"'
USED = ("used_percent", "disk", REAL_FILE_SYSTEMS)
"""How full file systems are: field, measurement and condition."""
BY_FILE_SYSTEM = (BY_HOST, PATH)
HOUR = 3600
TREND = round(seconds(queries.TREND))
"""Seconds of the past from which the filling rate is computed."""


def slow(facts: Facts) -> tuple[Rule, ...]:
    """The rules about what takes hours or can wait a few minutes."""
    return _disk(facts), _inodes(facts), _filling(facts), _disk_errors(facts)


def _nearly_used_up(facts: Facts, field: str) -> tuple[Query, ...]:
    """How full each file system is, from a percentage in the measurement `disk`."""
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
    return host_rule(
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


def disk_full(facts: Facts) -> Rule:
    return host_rule(
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
        " and `apt-get clean` free space at once; a deleted file that a process still has open takes space until"
        " it is closed (`lsof +L1`).",
        panel="File systems",
    )


def _inodes(facts: Facts) -> Rule:
    """Without inodes no file can be created, even if space is free. Btrfs creates them as needed and reports none."""
    return host_rule(
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
    """Rates are computed between the first and the last existing value, so a host that has reported for an hour
    is assessed by that hour. The last hour must agree, so that one big file does not count for six hours. A file system
    that does not fill up has a negative or infinite time to full: both are outside the limits."""
    within = round(seconds(facts.thresholds.disk_full_within))
    newest = select('last("free")', "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    speed = queries.speed("free", "disk", NOW, REAL_FILE_SYSTEMS, group=BY_FILE_SYSTEM)
    return host_rule(
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


def read_only(facts: Facts) -> Rule:
    """Linux makes a file system read-only when its disk fails; Telegraf's tag `mode` says so."""
    return host_rule(
        uid="host-read-only",
        title="File system read-only",
        steps=kept.of_each(
            facts,
            *("total", *USED[1:]),
            each=PATH,
            only="\"mode\"::tag = 'ro'",
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
    (e2fsck) resets the count, which resolves the alert."""
    return host_rule(
        uid="host-disk-errors",
        title="Disk errors",
        steps=kept.of_each(
            facts, "errors", "ext4", each='"device"', limit=0, pending="0s", interval=facts.slow_interval
        ),
        pending="0s",  # the count stays, and is measured once a minute
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
