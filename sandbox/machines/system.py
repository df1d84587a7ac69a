"""Running system tools, whose errors become one readable line."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError


def run(*argv: str | Path, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run a tool and return its output.

    Raises SandboxError with the last line that the tool printed when it fails.
    """
    process = subprocess.run(
        [str(word) for word in argv], input=stdin, cwd=cwd, capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        words = (process.stderr.strip() or process.stdout.strip() or "no output").splitlines()[-1]
        raise SandboxError(f"`{' '.join(str(word) for word in argv[:6])}` failed: {words}")
    return process.stdout


def succeeds(*argv: str | Path) -> bool:
    """Run a tool whose failure is not an error; returns whether it succeeded."""
    process = subprocess.run([str(word) for word in argv], capture_output=True, check=False)
    return process.returncode == 0


def mounts_below(folder: Path, table: Path = Path("/proc/self/mounts")) -> list[str]:
    """Mount points below a folder, innermost first. The kernel writes spaces, tabs, line breaks and backslashes as
    escapes such as \\040 (man 5 fstab), and nothing else."""
    names = [line.split(" ")[1] for line in table.read_text(errors="surrogateescape").splitlines()]
    decoded = [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name) for name in names]
    return sorted((name for name in decoded if name.startswith(f"{folder}/")), reverse=True)


def shell_status(code: int) -> int:
    """An exit code as a shell reports it: 128 + n for a command that was ended by signal n."""
    return code if code >= 0 else 128 - code
