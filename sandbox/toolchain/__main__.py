"""`python -m sandbox.toolchain` builds what is missing and prints the folder of the programs; with `checkers`, of those
that `make check` needs."""

import sys

from sandbox.toolchain import ensure
from sandbox.toolchain.recipes import CHECKERS, RECIPES

if __name__ == "__main__":
    print(ensure(CHECKERS if sys.argv[1:] == ["checkers"] else RECIPES))
