"""`python -m sandbox COMMAND`: what the Makefile's targets call."""

from __future__ import annotations

import signal
from types import FrameType

from sandbox import commands
from sandbox.errors import status_of
from sandbox.place import Place
from sandbox.progress import console
from tools.command import run

INTERRUPTED = "Interrupted. `make up` continues from here; `make down` removes everything."


def interrupt_once(_: int, __: FrameType | None) -> None:
    """The first Ctrl-C ends the command; any further ones are ignored, so that they do not interrupt the clean-up.
    Not SIG_IGN: programs started during the clean-up would inherit it."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
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
    return status_of(lambda: known[arguments[0]](Place.here(), arguments[1:]), INTERRUPTED)


if __name__ == "__main__":
    run(main)
