"""local.Command: commands on this machine, in the folder of the program."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, ClassVar

from sandbox.plugins.base import TEXT, Input, ListOf, Properties, fields
from sandbox.plugins.command.lifecycle import COMMAND_INPUTS, CommandResource, Transcript

SHELL = ["/bin/sh", "-c"]
POLL_SECONDS = 0.05


class LocalCommand(CommandResource):
    """https://www.pulumi.com/registry/packages/command/api-docs/local/command/"""

    token = "command:local:Command"
    title = "local.Command"
    inputs: ClassVar = fields(dir=Input(TEXT), interpreter=Input(ListOf(TEXT)), **COMMAND_INPUTS)

    def run(self, command: str, inputs: Properties, environment: dict[str, str], transcript: Transcript) -> None:
        argv = [*(inputs.get("interpreter") or SHELL), command]
        try:
            # In the plugin's process group, which the engine first interrupts, then kills.
            process = subprocess.Popen(
                argv,
                cwd=inputs.get("dir"),
                env={**os.environ, **(inputs.get("environment") or {}), **environment},
                stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise transcript.failure(_not_started(error, argv[0], inputs.get("dir")), command) from error
        with _piped(process, inputs.get("stdin", ""), transcript):
            self._wait(process)
        if code := process.returncode:
            status = f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code)}".lower()
            raise transcript.failure(status, command)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end. If the run is interrupted or the time is up, kill the process, but not its children (like
        Go's exec.CommandContext)."""
        deadline = time.monotonic() + self.request.timeout if self.request.timeout else None
        while True:
            try:
                process.wait(POLL_SECONDS)
                return
            except subprocess.TimeoutExpired:
                if self.request.cancelled.is_set() or (deadline is not None and time.monotonic() > deadline):
                    process.kill()
                    process.wait()
                    return


def _not_started(error: OSError, program: str, folder: str | None) -> str:
    """Why the process could not be started, as Go words it."""
    reason = str(error.strerror).lower()
    if folder is not None and error.filename == folder:
        return f"chdir {folder}: {reason}"
    return (
        f"fork/exec {program}: {reason}" if "/" in program else f'exec: "{program}": executable file not found in $PATH'
    )


@contextmanager
def _piped(process: subprocess.Popen[bytes], stdin: str, transcript: Transcript) -> Iterator[None]:
    """Feed the command its input, and record its output until it and its children have closed theirs."""
    lock = threading.Lock()

    def record(stream: str, pipe: IO[bytes] | None) -> None:
        for line in pipe or ():
            with lock:
                transcript.add(stream, line)

    def feed() -> None:
        if process.stdin is not None:
            try:
                process.stdin.write(stdin.encode())
                process.stdin.close()
            except BrokenPipeError:
                pass  # a command does not have to read its input

    threads = [
        threading.Thread(target=record, args=("stdout", process.stdout)),
        threading.Thread(target=record, args=("stderr", process.stderr)),
        threading.Thread(target=feed),
    ]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
