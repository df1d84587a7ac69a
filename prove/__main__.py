"""`python -m prove`, the command behind `make prove`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from prove.command_line import Pulumi
from prove.missing import missing
from prove.proof import Proof
from prove.report import Report
from tools.command import run


def main(arguments: list[str]) -> int:
    """Prove, report and tear down. Returns 1 if a step failed, 2 if something is missing and nothing was created."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(), help="the folder with Pulumi.yaml")
    parser.add_argument(
        "--stack", default="proof", help="the name of the stack that is created, and destroyed at the end"
    )
    parser.add_argument(
        "--settings", type=Path, help="the stack file whose settings are used; by default Pulumi.dev.yaml"
    )
    parser.add_argument("--report", type=Path, default=Path("proof.md"), help="where the findings are written")
    given = parser.parse_args(arguments)
    pulumi = Pulumi(given.project.resolve(), given.stack)
    settings = given.settings or given.project / "Pulumi.dev.yaml"
    config, faults = missing(pulumi, settings, given.report)
    if faults:
        print("Nothing was created. Missing:", *faults, sep="\n- ", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    report = Report(
        given.report, f"Stack `{given.stack}`, region {config['aws:region']}, settings from {settings.name}"
    )
    Proof(pulumi, config, report).run()
    print(f"The findings are in {given.report}.")
    return 0 if report.well else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the proof as Ctrl-C does: the stack is destroyed."""
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    run(main)
