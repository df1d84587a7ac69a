"""The output of another Python process, whose hashes, and thus sets, have another order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def printed(code: str) -> str:
    """What a program prints when it runs with another hash seed than this process."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout.removesuffix("\n")
