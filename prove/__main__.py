"""`python -m prove`, the command behind `make prove`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from prove.command_line import Pulumi
from prove.missing import missing, read
from prove.proof import Proof
from prove.report import Report
from tools.command import run


def main(arguments: list[str]) -> int:
    """Prove, report and tear down; 1 when something failed, 2 when something is missing and nothing was made."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(), help="the folder with Pulumi.yaml")
    parser.add_argument("--stack", default="proof", help="the name of the stack that is made, and taken away again")
    parser.add_argument("--settings", type=Path, help="a stack's file to take the settings of; Pulumi.dev.yaml")
    parser.add_argument("--report", type=Path, default=Path("proof.md"), help="where what was seen is written")
    given = parser.parse_args(arguments)
    pulumi = Pulumi(given.project.resolve(), given.stack)
    settings = given.settings or given.project / "Pulumi.dev.yaml"
    if faults := missing(pulumi, settings, given.report):
        print("Nothing was made. Missing:", *faults, sep="\n- ", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    config, _ = read(settings)
    report = Report(given.report, f"Stack `{given.stack}`, region {config['aws:region']}, settings of {settings.name}")
    Proof(pulumi, config, report).run()
    print(f"What was seen is in {given.report}.")
    return 0 if report.well else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite end takes the stack away, too."""
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    run(main)
