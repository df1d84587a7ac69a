"""Changes the clock of running processes. All machines share this machine's kernel, and therefore its clock.

Programs get the time from the vDSO (vdso(7)), code that the kernel maps into each process; from the first write on,
a process has its own copy. Here it is overwritten with functions that ask the kernel and add a number of seconds. A
preloaded library such as libfaketime would not work: InfluxDB and Telegraf are linked statically, and Go calls the
vDSO itself (runtime/vdso_linux_amd64.go).

Programs started by such a process have the right time, and so do files, systemd and what systemd starts.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from sandbox.machines.machine import Machine
from tests.support.waiting import eventually

NUMBER = b"\0" * 8
"""Placeholder for the seconds."""
FUNCTIONS = {
    # mov $228,%eax; syscall; for CLOCK_REALTIME (0) and its coarse sister (5): add the number to (%rsi); ret
    "__vdso_clock_gettime": bytes.fromhex("b8e40000000f0585ff740583ff05750d48b9") + NUMBER + bytes.fromhex("48010ec3"),
    # mov $96,%eax; syscall; unless %rdi is null: add the number to (%rdi); ret
    "__vdso_gettimeofday": bytes.fromhex("b8600000000f054885ff740d48b9") + NUMBER + bytes.fromhex("48010fc3"),
    # mov $201,%eax; syscall; add the number to %rax; unless %rdi is null: store it in (%rdi); ret
    "__vdso_time": bytes.fromhex("b8c90000000f0548b9") + NUMBER + bytes.fromhex("4801c84885ff7403488907c3"),
}
"""Machine code for x86-64, which calls clock_gettime(2) and the others by their numbers."""


def processes(machine: Machine, *units: str) -> list[int]:
    """The main processes of services, by their PIDs on this machine. Others need no other clock: the commands that
    Telegraf runs end within a moment, and the plugins of the local Grafana only sleep."""
    inside = set(machine.run(["systemctl", "show", "-P", "MainPID", *units]).stdout.split())
    space = Path(f"/proc/{machine.leader}/ns/pid").readlink()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "ns/pid").readlink() == space:
                (numbers,) = re.findall(r"^NSpid:\s+(.*)", (folder / "status").read_text(), re.MULTILINE)
                if numbers.split()[-1] in inside:
                    found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    assert len(found) == len(units), f"not all of {units} are running"
    return found


def set_clock(pid: int, seconds: int) -> None:
    """Set the process's clock this many seconds ahead, or behind."""
    begin, end = _mapped(pid)
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        places = {begin + at: name for name, at in _symbols(os.pread(memory, end - begin, begin)).items()}
        assert eventually(lambda: _stopped_elsewhere(pid, places), 60), f"{pid} is always reading its clock"
        for at, name in places.items():
            os.pwrite(memory, FUNCTIONS[name].replace(NUMBER, seconds.to_bytes(8, "little", signed=True)), at)
    finally:
        os.close(memory)
        os.kill(pid, signal.SIGCONT)


def _mapped(pid: int) -> tuple[int, int]:
    (line,) = [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if line.endswith("[vdso]")]
    begin, end = line.split()[0].split("-")
    return int(begin, 16), int(end, 16)


def _symbols(library: bytes) -> dict[str, int]:
    """Where the functions begin, by offset."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(library)
        file.flush()
        listed = subprocess.run(
            ["readelf", "--wide", "--dyn-syms", file.name], check=True, capture_output=True, text=True
        ).stdout
    found = {
        name: (int(at, 16), int(size))
        for at, size, name in re.findall(r"^ *\d+: ([0-9a-f]+) +(\d+) .* (\w+)@@", listed, re.MULTILINE)
        if name in FUNCTIONS
    }
    assert all(len(FUNCTIONS[name]) <= size for name, (_, size) in found.items())
    assert set(found) == set(FUNCTIONS)
    return {name: at for name, (at, _) in found.items()}


def _stopped_elsewhere(pid: int, places: dict[int, str]) -> bool:
    """Stop the process; returns whether no thread is in one of the functions. If one is, the process continues."""
    os.kill(pid, signal.SIGSTOP)
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    until = time.monotonic() + 60
    while any((each / "stat").read_text().rpartition(")")[2].split()[0] not in "tT" for each in tasks):
        assert time.monotonic() < until
        time.sleep(0.01)
    counters = [int((each / "syscall").read_text().split()[-1], 16) for each in tasks]
    if any(at <= counter < at + 1024 for at in places for counter in counters):
        os.kill(pid, signal.SIGCONT)
        return False
    return True
