"""When a proof fails or is interrupted, a report is written and the stack is removed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from prove.command_line import FailedError, Pulumi
from prove.proof import Proof
from prove.report import Report

CLI = """#!/bin/sh
printf '%s\\n' "$*" >> "{folder}/asked"
case "$*" in
  *"{fails}"*) echo "  error: the zone has no such type"; exit 255 ;;
  *destroy*) echo "    - 3 deleted" ;;
esac
"""


@pytest.fixture
def report(machine: Path) -> Report:
    return Report(machine / "proof.md", "A test")


def prove(machine: Path, settings: Path, report: Report, fails: str) -> list[str]:
    """Run a proof with a CLI that fails at one command; returns the CLI's commands."""
    cli = machine / "bin" / "pulumi"
    cli.write_text(CLI.format(folder=machine, fails=fails))
    cli.chmod(0o755)
    Proof(Pulumi(machine, "proof"), yaml.safe_load(settings.read_text())["config"], report).run()
    asked = (machine / "asked").read_text().splitlines()
    return [line.removeprefix("--non-interactive --color never ").split()[0] for line in asked]


def test_after_a_failed_up_the_stack_is_destroyed(machine: Path, settings: Path, report: Report) -> None:
    assert prove(machine, settings, report, " up ") == ["stack", "up", "destroy", "stack"]
    assert not report.well
    text = report.file.read_text()
    assert "| pulumi up | **no** |" in text
    assert "error: the zone has no such type" in text
    assert "| pulumi destroy | yes |" in text


def test_a_stack_that_was_not_created_is_not_destroyed(machine: Path, settings: Path, report: Report) -> None:
    assert prove(machine, settings, report, "stack init") == ["stack"]
    assert not (machine / "Pulumi.proof.yaml").exists()


def test_when_destroying_fails_the_stack_stays_and_is_named(
    machine: Path, settings: Path, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prove(machine, settings, report, "--yes") == ["stack", "up", "destroy"]
    assert "pulumi destroy --stack proof" in capsys.readouterr().out


def test_an_interrupted_proof_is_destroyed(
    machine: Path, settings: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(proof: Proof) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Proof, "_up", interrupted)
    assert prove(machine, settings, report, "nothing") == ["stack", "destroy", "stack"]
    assert "| interrupted | **no** |" in report.file.read_text()


def test_a_report_quotes_failures_in_full(report: Report) -> None:
    def fail() -> str:
        raise FailedError("first | line\nsecond line")

    assert report.step("look", lambda: "seen")
    assert not report.step("break", fail)
    text = report.file.read_text()
    assert "| look | yes | 0 s | seen |" in text
    assert "| break | **no** | 0 s | first \\| line |" in text
    assert "## break\n\n```\nfirst | line\nsecond line\n```" in text
