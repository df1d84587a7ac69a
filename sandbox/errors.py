"""What goes wrong in a command is a text for the person, never a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class SandboxError(Exception):
    """Something the person in front of the machine has to know or do; the text says what and how."""


def plainly(command: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """Run a command; returns its exit status. A SandboxError, a full disk and Ctrl-C are one message."""
    try:
        return command()
    except SandboxError as error:
        status, text = 1, str(error)
    except OSError as error:
        # What tempfile says when not one of its folders takes four bytes.
        if error.errno not in NO_ROOM and "No usable temporary directory" not in str(error):
            raise
        where = f": {error.filename}" if error.filename else ""
        status, text = 1, f"{error.strerror}{where}. Make room, then type the same again."
    except KeyboardInterrupt:
        status, text = 130, interrupted
    sys.stdout.flush()
    print(f"\n{text}", file=sys.stderr)
    return status
