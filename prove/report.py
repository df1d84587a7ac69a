"""The findings: printed as they arrive, and kept in a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from prove.command_line import FailedError


@dataclass(frozen=True)
class Finding:
    """One step. seconds: how long it took. saw: one line, or several if it failed."""

    name: str
    well: bool
    seconds: float
    saw: str


@dataclass
class Report:
    """Findings in order, written to `file` after each one, so that a killed proof leaves its findings."""

    file: Path
    about: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether no step failed."""
        return all(finding.well for finding in self.findings)

    def step(self, name: str, act: Callable[[], str]) -> bool:
        """Run one step, and return whether it succeeded.

        `act` returns what it saw. If it raises FailedError or an error from AWS, the step has failed.
        """
        print(f"— {name}", flush=True)
        began = time.monotonic()
        try:
            saw, well = act(), True
        except (FailedError, BotoCoreError, ClientError) as error:
            saw, well = str(error), False
        finding = Finding(name, well, time.monotonic() - began, saw)
        self.findings.append(finding)
        print(f"  {'ok' if well else 'FAILED'} after {finding.seconds:.0f} s: {saw}", flush=True)
        self.write()
        return well

    def write(self) -> None:
        """Write the file, as Markdown."""
        rows = [
            f"| {each.name} | {'yes' if each.well else '**no**'} | {each.seconds:.0f} s | {_first_line(each.saw)} |"
            for each in self.findings
        ]
        details = [f"\n## {each.name}\n\n```\n{each.saw}\n```" for each in self.findings if "\n" in each.saw]
        when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        self.file.write_text(
            "\n".join(
                [
                    "# Findings of `make prove`",
                    "",
                    f"{self.about}; written {when}.",
                    "",
                    "| step | passed | took | finding |",
                    "| --- | --- | --- | --- |",
                    *rows,
                    *details,
                    "",
                ]
            ),
            encoding="utf-8",
        )


def _first_line(text: str) -> str:
    return text.splitlines()[0].replace("|", "\\|") if text else ""
