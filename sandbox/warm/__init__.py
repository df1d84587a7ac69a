"""Interpreters with packages already imported, for `make test`, which runs the CLI many hundreds of times.

Half of the CPU time of a `pulumi preview` is Python importing the providers' SDKs for the program and gRPC, boto3 and
paramiko for each of five plugins. Inside `kept`, a process that has imported them is forked for each run, with the
run's own arguments, folder, environment and streams. Nothing of the program itself is imported in advance.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "SANDBOX_WARM"
"""The folder with `bin/python` and `bin/python3`. If it is empty or unset, each run starts its own interpreter."""

SOCKETS = ("plugins", "programs")
PACKAGES = ("-m", "pip", "list", "-v", "--format", "json")
"""Pulumi's language host runs this each time. Nothing is installed inside `kept`, so the output is cached."""

INTERPRETER = """#!/bin/sh
if [ "$*" = "{packages}" ]; then exec cat {folder}/packages; fi
exec {python} -I -S {client} {python} {folder} "$@"
"""


@contextmanager
def kept(python: Path) -> Iterator[dict[str, str]]:
    """Keep the interpreters ready; yields the environment variable with which commands use them.

    python: the virtual environment's interpreter, which runs everything else.
    """
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        with (folder / "packages").open("wb") as listing:
            subprocess.run([python, *PACKAGES], cwd=folder / "bin", stdout=listing, check=True)
        for alias in ("python", "python3"):
            script = INTERPRETER.format(
                python=shlex.quote(str(python)),
                client=shlex.quote(str(here / "client.py")),
                folder=shlex.quote(name),
                packages=" ".join(PACKAGES),
            )
            (folder / "bin" / alias).write_text(script)
            (folder / "bin" / alias).chmod(0o755)
        servers = [
            subprocess.Popen(
                [python, "-u", here / "server.py", folder, socket], stdin=subprocess.PIPE, start_new_session=True
            )
            for socket in SOCKETS
        ]
        try:
            yield {VARIABLE: name}
        finally:
            for server in servers:
                server.communicate()


def environment(own: Path) -> Path:
    """The virtual environment whose Python Pulumi should use: outside `kept`, `own`."""
    return Path(os.environ.get(VARIABLE) or own)
