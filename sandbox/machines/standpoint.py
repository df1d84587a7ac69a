"""Connections that this process makes from a machine's own network.

The operator reaches no more than `operatorCidrs` opens. What has to reach InfluxDB (a benchmark, a test) does so
from where InfluxDB is open.
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
    """Connections that this thread opens meanwhile come from the machine, and its `localhost` is the
    machine's. They stay so afterwards. Raises SandboxError when the machine is off."""
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
    """setns(2), which Python has from 3.12 on."""
    if _LIBC.setns(namespace, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
