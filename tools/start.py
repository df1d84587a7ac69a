"""`python tools/start.py MODULE …`: `python -m MODULE …` for the Makefile, whatever the terminal.

Ctrl-C while the module imports its packages (a second or two) ends it without a traceback; tools/command.py takes over
from there. A closed standard stream (`>&-`) becomes the null device, so that no file or socket gets its number. If the
terminal reports zero columns, the default width is used: rich would print nothing.
"""

from __future__ import annotations

# Before all other imports, and without what `signal` itself imports.
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

if getsignal(SIGINT) is default_int_handler:
    signal(SIGINT, SIG_DFL)

import os
import runpy
import sys
from pathlib import Path

STREAMS = {0: ("stdin", "r"), 1: ("stdout", "w"), 2: ("stderr", "w")}


def main() -> None:
    """Run the module as the program."""
    for number, (name, mode) in STREAMS.items():
        if getattr(sys, name) is None:
            # open() returns the lowest free number (POSIX).
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    if os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
