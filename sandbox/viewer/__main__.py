"""`python -m sandbox.viewer` serves the dashboard viewer of the stack that is up, until SIGTERM."""

from __future__ import annotations

import sys

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.viewer.server import serve

if __name__ == "__main__":
    try:
        serve(Place.here())
    except SandboxError as error:
        sys.exit(str(error))
