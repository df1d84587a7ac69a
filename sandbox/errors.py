"""What goes wrong in a command is a message for the person, never a traceback."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class SandboxError(Exception):
    """Something that the user has to know or do; the text says what and how."""


def unread() -> None:
    """Forget what could not be written to standard output, so that it does not fail again at the end
    (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plainly(command: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """Run a command; returns its exit status. A SandboxError, a full disk and Ctrl-C are one message; a reader that has
    enough (`| head`) gets none."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = command()
        print(end="", flush=True)
        return status
    except BrokenPipeError:
        unread()
        return 1
    except SandboxError as error:
        status, text = 1, str(error)
    except OSError as error:
        # What tempfile says when none of its folders takes four bytes.
        if error.errno not in NO_ROOM and "No usable temporary directory" not in str(error):
            raise
        where = f": {error.filename}" if error.filename else ""
        status, text = 1, f"{error.strerror}{where}. Make room, then type the same again."
    except KeyboardInterrupt:
        status, text = 130, interrupted
    try:
        print(end="", flush=True)
    except OSError:
        unread()
    print(f"\n{text}", file=sys.stderr)
    return status
