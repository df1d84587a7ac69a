"""Every host that reports through Telegraf: is it alive, does it have resources left?

No-data and error states of the group: if no host has a value, measurements have stopped arriving, which is the rule "No
measurements arrive" of the server's group. So these rules stay quiet (OK), or unchanged (KeepLast) where resolving
would be a false all-clear. If a single host has no value, it is silent, and "Host silent" fires. If a query fails,
alerts stay unchanged (KeepLast): a failing query is no reason to wake someone about a host's memory, nor to report it
as recovered. A pending alert still fires once its time has passed: its condition held when it was last evaluated.

Severities: critical cannot wait until morning, because something would be broken or lost by then; a warning is work for
office hours. A file system that is 90 % full may have 400 GB left: a warning. At 98 % writes soon fail, and at 95 % of
memory the kernel may kill a process at any time: critical.
"""

from __future__ import annotations

from alerts import file_systems, kept, missing, silence
from alerts.facts import Facts
from alerts.model import NEVER, Group, Rule, host_rule
from alerts.steps import LESS, NOW, above, below, calculated, influxql, reduced
from dashboards.queries import BY_HOST, TOTAL_CPU, select

MANY = 20
"""Percent of the hosts."""
SOME = 3
"""Hosts: fewer are not "many", whatever their share."""
AHEAD = 60
"""Seconds that a clock may be ahead: more than any clock that is synchronised over the network."""


def build(facts: Facts) -> tuple[Group, Group]:
    """The groups: what can be urgent, and what takes hours or can wait a few minutes."""
    fast = (
        _silent(facts),
        _many_silent(facts),
        _ahead(facts),
        _processors(facts),
        _memory(facts),
        file_systems.disk_full(facts),
        file_systems.read_only(facts),
        _load(facts),
    )
    slow = (*file_systems.slow(facts), *missing.build(facts))
    return Group("Hosts", facts.interval, fast), Group("Hosts, slow signals", facts.slow_interval, slow)


def _silent(facts: Facts) -> Rule:
    return host_rule(
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
    """Agents that are cut off together: the cause is the network or the server, not fifty hosts."""
    others = (silence.PERSISTENT, f"\"host\"::tag != '{facts.server}'")
    return host_rule(
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
    one that is ahead leaves points in the future, so the host looks alive until that time has passed.
    InfluxDB does not record when a point arrived, so points in the future are the only sign."""
    text = select('count("uptime")', "system", f"time > now() + {AHEAD}s", group=(BY_HOST,))
    return host_rule(
        uid="host-clock",
        title="Clock is ahead",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(0)),
        pending="1m",
        missing=0,  # resolved once there are no such points
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
    return host_rule(
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
    return host_rule(
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


def _load(facts: Facts) -> Rule:
    text = select('mean("load5") / mean("n_cpus")', "system", NOW, group=(BY_HOST,))
    return host_rule(
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
