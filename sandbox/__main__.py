"""`python -m sandbox COMMAND`: what the Makefile's targets call."""

from __future__ import annotations

import sys

from sandbox import commands
from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.progress import console


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status. A SandboxError is one message, never a traceback."""
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
    except KeyboardInterrupt:
        print("\nInterrupted. `make up` continues from here; `make down` removes everything.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
