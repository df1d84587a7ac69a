"""System tools by name, with errors as one line for a person."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from sandbox.errors import SandboxError

Progress = Callable[[str], None]
"""Takes a short text that says what is being done now."""


def run(*argv: str | Path, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run a tool and return what it printed.

    Raises SandboxError with the tool's own last line when it fails.
    """
    process = subprocess.run(
        [str(word) for word in argv], input=stdin, cwd=cwd, capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        words = (process.stderr.strip() or process.stdout.strip() or "no output").splitlines()[-1]
        raise SandboxError(f"`{' '.join(str(word) for word in argv[:6])}` failed: {words}")
    return process.stdout


def succeeds(*argv: str | Path) -> bool:
    """Run a tool whose failure is an answer, not an error; True when it succeeded."""
    process = subprocess.run([str(word) for word in argv], capture_output=True, check=False)
    return process.returncode == 0


def mounts_below(folder: Path, table: Path = Path("/proc/self/mounts")) -> list[str]:
    """Mount points below a folder, the innermost first. The kernel writes spaces, tabs, line breaks and backslashes as
    \\040 and the like (man 5 fstab), and everything else as it is."""
    names = [line.split(" ")[1] for line in table.read_text(errors="surrogateescape").splitlines()]
    decoded = [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name) for name in names]
    return sorted((name for name in decoded if name.startswith(f"{folder}/")), reverse=True)


def shell_status(code: int) -> int:
    """An exit code as a shell reports it: 128 + n for a command that signal n ended."""
    return code if code >= 0 else 128 - code
