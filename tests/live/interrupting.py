"""Interrupts a command, and everything it has started, as soon as it prints a certain line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

AGAIN = 1
"""Seconds between two signals, as when somebody presses Ctrl-C twice."""


def interrupt_at(
    line: str, how: signal.Signals, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], times: int = 1
) -> tuple[int, str]:
    """Send a signal `times` times to the command's process group, once it prints a line that matches the regular
    expression; returns its exit status and what it printed. Fails if it never prints such a line."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    printed = []
    for text in process.stdout:
        printed.append(text)
        if re.search(line, text):
            break
    reached = process.poll() is None
    started = psutil.Process(process.pid).children(recursive=True) if reached else []
    if reached:
        os.killpg(process.pid, how)
    for _ in range(times - 1):
        time.sleep(AGAIN)
        if process.poll() is None:
            os.killpg(process.pid, how)
    printed.append(process.stdout.read())
    status = process.wait(60)
    if how == signal.SIGKILL:
        # Some children have process groups of their own.
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(started, 20)
    assert reached, "".join(printed)[-3000:]
    return status, "".join(printed)
