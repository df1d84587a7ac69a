"""Starts one of the stand-in plugins: `python -P launch.py NAME ENGINE_ADDRESS`.

A file instead of `python -m`, so that it works from any folder without PYTHONPATH; `-P` keeps this folder,
which has a package called `random`, off the path.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    name = sys.argv.pop(1)
    runpy.run_module(f"sandbox.plugins.{name}", run_name="__main__", alter_sys=True)
