"""`python -m sandbox COMMAND`: what the Makefile's targets call."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from sandbox import commands
from sandbox.errors import plainly
from sandbox.place import Place
from sandbox.progress import console

INTERRUPTED = "Interrupted. `make up` continues from here; `make down` removes everything."


def interrupt_once(_: int, __: FrameType | None) -> None:
    """Ctrl-C ends the command; pressed again, it does not interrupt the clean-up. Not SIG_IGN: programs started
    meanwhile would inherit it."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    signal.signal(signal.SIGINT, interrupt_once)
    known = {
        "up": commands.up,
        "preview": commands.preview,
        "status": commands.status,
        "password": commands.password,
        "shell": commands.shell,
        "down": commands.down,
        "pictures": commands.pictures,
        "test": commands.test,
    }
    if not arguments or arguments[0] not in known:
        console.print(f"Choose one of: {', '.join(known)}.", markup=False)
        return 2
    return plainly(lambda: known[arguments[0]](Place.here(), arguments[1:]), INTERRUPTED)


def run(arguments: list[str]) -> int:
    """`main` as a process of its own, in which nothing interrupts the interpreter's end."""
    try:
        return main(arguments)
    finally:
        # That end restores the default for a handler, but keeps this (Modules/signalmodule.c, _PySignal_Fini): a second
        # Ctrl-C would replace the status.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
