"""How every command deals with its terminal, Ctrl-C and files that it cannot write."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

FREE_SPACE = "Free some space"
ADVICE = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EROFS: "Mount it for writing, or go to a copy that can be written to",
    errno.EACCES: "Become the user who owns it",
}
"""What to do when a file cannot be written."""


def run(main: Callable[[list[str]], int], explained: type[Exception] | tuple[()] = ()) -> NoReturn:
    """Run a command with the arguments that were typed, and exit with its status.

    Characters that the terminal's encoding lacks are printed as question marks. For the rest, see `status_of`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = status_of(lambda: main(sys.argv[1:]), explained=explained)
    finally:
        # Python resets a handler to the default action as it exits, but keeps SIG_IGN (_PySignal_Fini in
        # Modules/signalmodule.c): otherwise a second Ctrl-C would replace the status.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


def status_of(
    command: Callable[[], int], interrupted: str = "Interrupted.", explained: type[Exception] | tuple[()] = ()
) -> int:
    """Run a command and return its exit status.

    Ctrl-C, a full disk, a file that cannot be written and an `explained` error, whose text says what to do, are each
    reported in one sentence. When the reader of the output goes away (`| head`), nothing is reported.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = command()
        print(end="", flush=True)
        return status
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        # tempfile's error when it cannot write four bytes to any of its folders.
        advice = FREE_SPACE if "No usable temporary directory" in str(error) else ADVICE.get(error.errno or 0)
        if advice is None or (error.errno == errno.EACCES and not error.filename):  # not about a file
            raise
        where = f": {error.filename}" if error.filename else ""
        status, text = 1, f"{error.strerror}{where}. {advice}, then run the same command again."
    except KeyboardInterrupt:
        status, text = 130, interrupted
    except explained as error:
        status, text = 1, str(error)
    try:
        print(end="", flush=True)
    except OSError:
        _discard_output()
    print(f"\n{text}", file=sys.stderr)
    return status


def _discard_output() -> None:
    """Drop what could not be written to standard output, or writing it would fail again at exit
    (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
