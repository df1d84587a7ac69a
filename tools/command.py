"""What every command does about its terminal."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

ROOM = "Free some space"
ADVICE = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EROFS: "Mount it for writing, or go to a copy that can be written to",
    errno.EACCES: "Become the user to whom it belongs",
}
"""What helps when a file cannot be written."""


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command with the arguments that were typed, and exit with its status.

    A letter that the terminal's encoding lacks is a question mark. For the rest, see `plainly`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(plainly(lambda: main(sys.argv[1:])))


def plainly(
    command: Callable[[], int], interrupted: str = "Interrupted.", explained: type[Exception] | tuple[()] = ()
) -> int:
    """Run a command; returns its exit status.

    Ctrl-C, a full disk and a file that may not be written are one sentence, and so is an `explained` error, whose text
    says what to do. A reader that has enough (`| head`) gets none.
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
        # What tempfile says when it cannot write four bytes to any of its folders.
        advice = ROOM if "No usable temporary directory" in str(error) else ADVICE.get(error.errno or 0)
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
    """Forget what could not be written to standard output, so that it does not fail again at exit
    (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
