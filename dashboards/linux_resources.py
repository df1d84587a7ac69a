"""The rows "CPU and load", "Memory and swap" and "Processes and kernel" of "Linux hosts", without lines per core or
process."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models import units

from dashboards import looks
from dashboards.linux_lines import band, lines_by_host
from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import in_colours, lines, stacked
from dashboards.queries import PEAK, TOTAL_CPU, by_host, influx, rate_by_host, together

MODES = {
    "programs": 'mean("usage_user")',
    "programs with low priority": 'mean("usage_nice")',
    "kernel": 'mean("usage_system")',
    "waiting for disks": 'mean("usage_iowait")',
    "interrupts": 'mean("usage_irq") + mean("usage_softirq")',
    "stolen": 'mean("usage_steal")',
}
"""What CPUs spend time on: name -> aggregate expression."""
MODE_COLOURS = dict(
    zip(MODES, (looks.BLUE, looks.SKY, looks.AMBER, looks.VERMILION, looks.YELLOW, looks.PINK), strict=True)
)
MEMORY_KINDS = {
    "programs and kernel": 'mean("total") - mean("available")',
    "reclaimable cache": 'mean("available") - mean("free")',
    "free": 'mean("free")',
}
"""What memory is used for."""
MEMORY_COLOURS = dict(zip(MEMORY_KINDS, (looks.BLUE, looks.SKY, looks.GREY), strict=True))


def processors(uid: str) -> Row:
    """CPU use by host and by mode, load per CPU, and time stolen by the hypervisor."""
    return Row(
        "CPU and load",
        [
            band(
                uid,
                "CPU use of all hosts",
                "chosen hosts",
                '100 - mean("usage_idle")',
                "cpu",
                highest='100 - min("usage_idle")',
                where=TOTAL_CPU,
                limits=looks.CPU,
            ),
            lines_by_host(
                uid,
                "CPU use",
                "All CPUs of a host combined, everything but idle.",
                units.Percent,
                by_host('100 - mean("usage_idle")', "cpu", where=TOTAL_CPU),
                limits=looks.CPU,
                full=100,
            ),
            in_colours(
                lines(
                    "CPU by mode",
                    "For each mode, the highest of any chosen host: an average would hide the one that is at its"
                    " limit. Much “waiting for disks” points to the disks row, much “stolen” to a burstable instance"
                    " without credits or a crowded machine. A host's own page stacks its modes.",
                    units.Percent,
                    influx(uid, together(_highest(MODES), "cpu", where=TOTAL_CPU)),
                    full=100,
                ),
                MODE_COLOURS,
            ),
            lines_by_host(
                uid,
                "Load per CPU",
                "Processes that run or wait to run, over five minutes, divided by the number of CPUs.",
                units.Short,
                by_host('mean("load5") / mean("n_cpus")', "system"),
                limits=looks.LOAD,
            ),
            lines_by_host(
                uid,
                "Stolen CPU time",
                "Time the hypervisor gave to other machines while this host had work to do.",
                units.Percent,
                by_host('mean("usage_steal")', "cpu", where=TOTAL_CPU),
                limits=looks.STEAL,
            ),
        ],
    )


def memory(uid: str) -> Row:
    """Memory and swap: how full, and whether pages are swapped."""
    return Row(
        "Memory and swap",
        [
            band(
                uid,
                "Memory use of all hosts",
                "chosen hosts",
                'mean("used_percent")',
                "mem",
                highest=f'max("used_percent{PEAK}")',
                limits=looks.MEMORY,
            ),
            lines_by_host(
                uid,
                "Memory use",
                "Share that cannot be reclaimed; the cache does not count.",
                units.Percent,
                by_host('mean("used_percent")', "mem"),
                limits=looks.MEMORY,
                full=100,
            ),
            stacked(
                "Memory by type",
                "Averaged over the chosen hosts.",
                units.BytesIEC,
                influx(uid, together(MEMORY_KINDS, "mem")),
                MEMORY_COLOURS,
            ),
            lines_by_host(
                uid,
                "Swap use",
                "Share of the swap space that is in use; zero on a host without swap. Full swap alone"
                " is harmless; pages that keep moving (next panel) are not.",
                units.Percent,
                by_host('mean("used_percent")', "swap"),
                limits=Limits(50, 90),
                full=100,
            ),
            lines_by_host(
                uid,
                "Swap traffic",
                "Bytes moved between memory and swap, both ways. More than a trickle means too little memory.",
                units.BytesPerSecondIEC,
                rate_by_host(("in", "out"), "swap"),
            ),
        ],
    )


def processes(uid: str) -> Row:
    """Processes and what the kernel does for them."""
    stuck = {"blocked": 'mean("blocked")', "zombies": 'mean("zombies")'}
    return Row(
        "Processes and kernel",
        [
            lines_by_host(
                uid,
                "Processes",
                "All processes.",
                units.Short,
                by_host('mean("total")', "processes"),
                width=8,
            ),
            lines_by_host(
                uid,
                "Stuck processes",
                "Blocked processes wait for a disk or a network file system and cannot even"
                " be killed; zombies wait for their parent to reap them.",
                units.Short,
                *[by_host(value, "processes", alias=f"$tag_host {kind}") for kind, value in stuck.items()],
                width=8,
            ),
            lines_by_host(
                uid,
                "Uptime",
                "Since the last boot; a line that falls to zero is a reboot.",
                units.Seconds,
                by_host('last("uptime")', "system"),
                width=8,
            ),
            lines_by_host(
                uid,
                "Context switches",
                "How often the CPUs switch from one process to another.",
                units.OpsPerSecond,
                rate_by_host(("context_switches",), "kernel"),
                width=8,
            ),
            lines_by_host(
                uid,
                "Interrupts",
                "How often devices and timers interrupt the CPUs.",
                units.OpsPerSecond,
                rate_by_host(("interrupts",), "kernel"),
                width=8,
            ),
            lines_by_host(
                uid,
                "New processes",
                "Processes started; a steady high rate is often a script that restarts in a loop.",
                units.OpsPerSecond,
                rate_by_host(("processes_forked",), "kernel"),
                width=8,
            ),
        ],
    )


def _highest(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns, with the highest value of any host instead of the mean."""
    return {name: expression.replace("mean(", "max(") for name, expression in columns.items()}
