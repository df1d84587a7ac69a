"""`python -m sandbox.cloud`: serve the local AWS until SIGTERM."""

from __future__ import annotations

import sys

from sandbox.cloud.server import serve
from sandbox.errors import SandboxError
from sandbox.place import Place

if __name__ == "__main__":
    try:
        serve(Place.here())
    except SandboxError as error:
        sys.exit(str(error))
