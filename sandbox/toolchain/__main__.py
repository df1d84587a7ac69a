"""`python -m sandbox.toolchain [checkers]` builds the missing programs and prints their folder.

With `checkers`: the programs that `make check` needs.
"""

import sys

from sandbox.toolchain import ensure
from sandbox.toolchain.recipes import CHECKERS, RECIPES

if __name__ == "__main__":
    print(ensure(CHECKERS if sys.argv[1:] == ["checkers"] else RECIPES))
