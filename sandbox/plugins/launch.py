"""Starts one of the stand-in plugins: `python -P launch.py NAME ENGINE_ADDRESS`.

A file instead of `python -m` works from any folder without PYTHONPATH. `-P` keeps this folder, which has a package
called `random`, off the path.
"""

import importlib.util
import runpy
import signal
import sys
from pathlib import Path

# The engine ends its plugins one after another: it calls Cancel, then sends SIGINT and waits for the process. Its 5 s
# for the Cancel calls are one budget for all plugins, so after a plugin that ends slowly it reports that the next
# ones "exited prematurely" (host.ReleaseContext in pulumi/pkg/v3 host/host.go, Plugin.Close in sdk/v3
# go/common/resource/plugin/plugin.go). With SIG_DFL the kernel ends the process at once; Python would first unwind and
# print its stack and wait for its threads. Until here the signal is blocked (`install.wrapper`).
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def without_the_sdk() -> None:
    """Let `pulumi.runtime.proto` be imported without the rest of the SDK, which no plugin uses.

    The rest took up to half of the CPU time of a plugin's start, five times per command of the CLI. The two packages
    around the protocol exist, but are empty.
    """
    for name in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ImportError(f"no package {name}")
        sys.modules[name] = importlib.util.module_from_spec(spec)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    without_the_sdk()
    name = sys.argv.pop(1)
    runpy.run_module(f"sandbox.plugins.{name}", run_name="__main__", alter_sys=True)
