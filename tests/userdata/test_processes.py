"""The processes that /etc/telegraf/processes names, in a made-up /proc and in this machine's."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from userdata.templates import FOLDER

SCRIPT = (FOLDER / "shared/processes.sh").read_text()
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """seconds: of CPU time so far. started: seconds after the boot. mib: None for a kernel thread."""

    pid: int
    name: str
    seconds: float
    started: float = 1
    mib: int | None = 0


def run(folder: Path, most: int, uptime: float, processes: Sequence[Process]) -> dict[str, dict[str, str]]:
    """What the script prints, as rank -> field -> value. uptime: the machine's, in seconds."""
    proc = folder / f"proc-{uptime}"
    proc.mkdir()
    (proc / "uptime").write_text(f"{uptime:.2f} 99.99\n")
    for each in processes:
        (proc / str(each.pid)).mkdir()
        ticks = round(each.seconds * TICKS)
        before = f"{each.pid} ({each.name}) S 1 1 1 0 -1 4194560 1 2 3 4"
        after = f"0 0 20 0 1 0 {round(each.started * TICKS)} 1000 20"
        (proc / str(each.pid) / "stat").write_text(f"{before} {ticks - ticks // 3} {ticks // 3} {after}\n")
        anonymous = "" if each.mib is None else f"RssAnon:\t{each.mib * 1024:8} kB\n"
        (proc / str(each.pid) / "status").write_text(f"Name:\t{each.name}\nVmRSS:\t 9999999 kB\n{anonymous}")
    script = SCRIPT.replace("/run/telegraf-processes", str(folder)).replace("cd /proc ", f"cd {proc} ")
    done = subprocess.run(["sh", "-c", script, "processes", str(most)], capture_output=True, text=True, check=True)
    assert not done.stderr
    found = {}
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"top_processes,rank=(\d+) (.+)", line)
        assert match, line
        found[match[1]] = dict(re.findall(r'(\w+)=("[^"]*"|[^,]+)', match[2]))
    return found


def test_processes_are_ranked_by_cpu_since_the_last_call_and_by_own_memory(tmp_path: Path) -> None:
    first = [
        Process(1, "init", 50, mib=10),
        Process(2, "kworker/0:1", 7, mib=None),
        Process(30, "worker", 1000, mib=100),
        Process(31, "worker", 1000, mib=100),
        Process(40, "database", 5000, mib=150),
    ]
    then = run(tmp_path, 3, 1000, first)
    assert [fields.get("cpu") for fields in then.values()] == [None] * 3, "nothing is known before the first call"
    now = run(
        tmp_path,
        3,
        1060,
        [
            Process(1, "init", 50, mib=10),
            Process(2, "kworker/0:1", 13, mib=None),
            Process(30, "worker", 1030, mib=100),
            Process(31, "worker", 1015, mib=100),
            # A new process with the PID of one that ended: only its own CPU time counts.
            Process(40, "backup", 30, started=1020, mib=50),
        ],
    )
    assert [(each["cpu_name"], each["cpu"], each["cpu_count"]) for each in now.values()] == [
        ('"worker"', "75.0", "2i"),
        ('"backup"', "50.0", "1i"),
        ('"kworker/0:1"', "10.0", "1i"),
    ]
    assert [(each["memory_name"], each["memory"], each["memory_count"]) for each in now.values()] == [
        ('"worker"', f"{200 << 20}i", "2i"),
        ('"backup"', f"{50 << 20}i", "1i"),
        ('"init"', f"{10 << 20}i", "1i"),
    ]


def test_there_are_never_more_series_than_ranks(tmp_path: Path) -> None:
    many = [Process(pid, f"p{pid}", 1, mib=pid) for pid in range(1, 50)]
    assert list(run(tmp_path, 2, 100, many)) == ["1", "2"]
    assert list(run(tmp_path, 20, 160, many[:3])) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a) R 1 (b", "a) R 1 (b"),
        ('say "hi"\\', "say _hi__"),
        ("grün", "gr__n"),
        ("tab\there", "tab_here"),
        ("x=1,y z", "x=1,y z"),
    ],
)
def test_a_process_name_cannot_break_out_of_its_field(tmp_path: Path, name: str, shown: str) -> None:
    assert run(tmp_path, 1, 100, [Process(7, name, 1, mib=5)])["1"]["memory_name"] == f'"{shown}"'


def test_the_state_is_in_the_runtime_directory_of_telegraf_s_service() -> None:
    (folder,) = re.findall(r"^RuntimeDirectory=(\S+)$", (FOLDER / "shared/telegraf-hardening.conf").read_text(), re.M)
    assert f"here=/run/{folder}\n" in SCRIPT


def test_this_process_is_among_those_of_this_machine(tmp_path: Path) -> None:
    script = SCRIPT.replace("/run/telegraf-processes", str(tmp_path))
    command = ["sh", "-c", script, "processes", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr
    own = Path("/proc/self/comm").read_text().strip()
    assert f'memory_name="{own}"' in done.stdout
