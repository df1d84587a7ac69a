"""Turns off what a run of the program does not need, which took much of each further host's CPU time
(docs/scale.md)."""

from __future__ import annotations

import gc

import pulumi


def lean() -> None:
    """For a process that ends with this run.

    Garbage is not collected: nearly all objects live until the end, and each collection looks through them.

    The SDK's debug messages are not sent: they are five requests to the engine per resource, and it only shows them
    with `--debug` (pulumi 3.255.0, log.py; the SDK has no setting for it). Those of the engine and the providers
    remain.
    """
    gc.disable()
    pulumi.log.debug = _nothing


def _nothing(*_: object, **__: object) -> None:
    return None
