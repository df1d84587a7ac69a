"""Turns off what a run of the program does not need, and what took much of each further host's CPU time
(docs/scale.md)."""

from __future__ import annotations

import gc

import pulumi


def lean() -> None:
    """Turn these off in a process that ends with this run.

    Garbage is not collected: nearly all objects live until the end, and each collection would scan them.

    The SDK's debug messages are not sent: they are five requests to the engine per resource, which shows them only with
    `--debug` (pulumi 3.255.0, log.py; the SDK has no setting for it). Those of the engine and the providers remain.
    """
    gc.disable()
    pulumi.log.debug = _nothing


def _nothing(*_: object, **__: object) -> None:
    return None
