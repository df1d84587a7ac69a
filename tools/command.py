"""What every command does about its terminal."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command with the arguments that were typed, and end with its status.

    Ctrl-C is one word, a full disk one sentence. A reader that has enough (`| head`) hears nothing. A letter that the
    terminal's encoding lacks is a question mark.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = main(sys.argv[1:])
        print(end="", flush=True)
    except OSError as error:
        if error.errno not in (errno.EPIPE, *NO_ROOM):
            raise
        status = 1
        try:
            print(end="", flush=True)
        except OSError:
            # docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            where = f": {error.filename}" if error.filename else ""
            print(f"{error.strerror}{where}. Make room, then type the same again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        status = 130
    sys.exit(status)
