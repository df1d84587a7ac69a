"""`make mutants` runs the tests against the copy that it changes."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.mutants import CHECKOUT

PRINTS = """
import sys
from benchmarks import mutants
mutants.forget_the_checkout()
of_checkout = [name for name in sys.modules if name.partition(".")[0] in ("benchmarks", "sandbox", "tools")]
import pytest, tools.command
print(of_checkout, tools.command.__name__)
"""


def test_nothing_of_the_checkout_stays_imported() -> None:
    """What did, `tools` for one, was tested unchanged, whatever was broken in the copy."""
    command = [sys.executable, "-c", PRINTS]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[] tools.command\n"
