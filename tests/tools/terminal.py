"""A user at a terminal: a command in a pseudo-terminal, whose questions are answered one by one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path

SECONDS = 60
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def _control() -> None:
    """Make it the process's controlling terminal, so that Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command in a pseudo-terminal. said: everything printed so far, without colours."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_control,  # noqa: PLW1509 - this process has no other threads that hold locks
        )
        os.close(theirs)
        self.said = ""
        self._seen = 0

    def answer(self, question: str, text: str) -> None:
        """Wait for the question, then type the answer. Raises AssertionError if the question is not asked."""
        self.expect(question)
        os.write(self._mine, f"{text}\n".encode())

    def expect(self, text: str) -> None:
        """Wait until the text has been printed after what the last call waited for."""
        end = time.monotonic() + SECONDS
        while text not in self.said[self._seen :]:
            assert time.monotonic() < end, f"not printed in {SECONDS} s: {text}\n{self.said}"
            assert self._read(), f"ended without: {text}\n{self.said}"
        self._seen = self.said.index(text, self._seen) + len(text)

    def ended(self) -> int:
        """Wait until the command has ended; returns its exit status."""
        while self._read():
            pass
        os.close(self._mine)
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        """Read what has been printed; returns whether there may be more."""
        if not select.select([self._mine], [], [], SECONDS)[0]:
            return False
        try:
            data = os.read(self._mine, 4096)
        except OSError:  # the other side is closed
            return False
        self.said += _COLOURS.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
        return bool(data)
