"""Connections that this process opens from inside a machine's network.

The operator reaches only what `operatorCidrs` opens. A benchmark or a test that has to reach InfluxDB does so from a
machine for which InfluxDB is open.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.errors import SandboxError
from sandbox.machines.machine import Machine

_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def at(machine: Machine) -> Iterator[None]:
    """Move this thread into the machine's network: connections that it opens come from the machine, even after it has
    left, and `localhost` is the machine. Raises SandboxError if the machine is off."""
    leader = machine.leader
    if leader is None:
        raise SandboxError(f"Machine {machine.id} is off.")
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/proc/{leader}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(here)
    finally:
        os.close(here)


def _enter(namespace: int) -> None:
    """Call setns(2), which Python has since 3.12."""
    if _LIBC.setns(namespace, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
