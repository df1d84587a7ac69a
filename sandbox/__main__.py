"""`python -m sandbox COMMAND`: what the Makefile's targets call."""

from __future__ import annotations

import errno
import signal
import sys
from types import FrameType

from sandbox import commands
from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.progress import console

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def interrupt_once(_: int, __: FrameType | None) -> None:
    """Ctrl-C ends the command; pressed again, it does not interrupt the tidying up. Not SIG_IGN, which programs that
    are started then would inherit."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status. A SandboxError is one message, never a traceback."""
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
        console.print(f"Say one of: {', '.join(known)}.", markup=False)
        return 2
    try:
        return known[arguments[0]](Place.here(), arguments[1:])
    except SandboxError as error:
        sys.stdout.flush()
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        sys.stdout.flush()
        where = f": {error.filename}" if error.filename else ""
        print(f"\n{error.strerror}{where}. Make room, then type the same again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `make up` continues from here; `make down` removes everything.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
