"""What a change costs, as computed by `tools.cost`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def difference(folder: Path, stack: str, before: str | None) -> str | None:
    """The stack's monthly cost at list prices, and the difference from the settings `before`, as a phrase.

    None if it cannot be computed, which the job's log explains: a preview is useful without it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        old = Path(scratch) / f"Pulumi.{stack}.yaml"
        old.write_text(before or "", encoding="utf-8")
        command = [sys.executable, "-m", "tools.cost", "--stack", stack, "--format", "json"]
        compare = ["--compare", str(old)] if before else []
        done = subprocess.run(
            [*command, *compare], cwd=folder, capture_output=True, text=True, check=False, timeout=120
        )
    if done.returncode:
        print(f"The cost of {stack} is unknown: {done.stderr.strip() or done.stdout.strip()}", file=sys.stderr)
        return None
    try:
        bill = json.loads(done.stdout)
    except ValueError:
        print(f"The cost of {stack} is unknown: tools.cost printed no bill.", file=sys.stderr)
        return None
    now = f"about {bill['total']:.2f} US dollars a month"
    if "before" not in bill:
        return now
    if not bill["difference"]:
        return f"{now}, as before"
    return f"{now} instead of {bill['before']:.2f} ({bill['difference']:+.2f})"
