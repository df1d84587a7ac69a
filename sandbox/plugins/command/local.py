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

from sandbox.plugins.base import TEXT, Input, ListOf, PluginError, Properties, fields
from sandbox.plugins.command.lifecycle import COMMAND_INPUTS, CommandResource, Transcript

SHELL = ["/bin/sh", "-c"]
POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0


class LocalCommand(CommandResource):
    """https://www.pulumi.com/registry/packages/command/api-docs/local/command/"""

    token = "command:local:Command"
    title = "local.Command"
    inputs: ClassVar = fields(dir=Input(TEXT), interpreter=Input(ListOf(TEXT)), **COMMAND_INPUTS)

    def run(self, command: str, inputs: Properties, environment: dict[str, str], transcript: Transcript) -> None:
        argv = [*(inputs.get("interpreter") or SHELL), command]
        try:
            process = subprocess.Popen(
                argv,
                cwd=inputs.get("dir"),
                env={**os.environ, **(inputs.get("environment") or {}), **environment},
                stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a group of its own, so that its children can be ended with it
            )
        except OSError as error:
            where = f" in {inputs['dir']}" if inputs.get("dir") else ""
            raise PluginError(f"cannot run {argv[0]}{where}: {error.strerror}: {error.filename}") from error
        with _piped(process, inputs.get("stdin", ""), transcript):
            ended_by = self._wait(process)
        if ended_by or process.returncode:
            code = process.returncode
            status = f"exit status {code}" if code >= 0 else f"signal: {signal.strsignal(-code)}".lower()
            raise transcript.failure(ended_by or status, command)

    def _wait(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the end. Returns why it was ended, empty when it ended by itself."""
        deadline = time.monotonic() + self.request.timeout if self.request.timeout else None
        while True:
            try:
                process.wait(POLL_SECONDS)
                return ""
            except subprocess.TimeoutExpired:
                if self.request.cancelled.is_set():
                    reason = "interrupted"
                elif deadline is not None and time.monotonic() > deadline:
                    reason = f"did not end within {self.request.timeout:.0f} s"
                else:
                    continue
            _end(process)
            return reason


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and its children: politely, then for good."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _piped(process: subprocess.Popen[bytes], stdin: str, transcript: Transcript) -> Iterator[None]:
    """Feed the command and record what it writes until it and its children have closed their output."""
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
                pass  # a command need not read what it is given

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
