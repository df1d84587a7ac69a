"""Everything that `make prove` lacks is reported, in one sentence each, and nothing is created."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prove.__main__ import main
from prove.command_line import FailedError, Pulumi
from tests.sandbox.plugins.engine import find_pulumi

CHECKOUT = Path(__file__).resolve().parents[2]


def complaints(capsys: pytest.CaptureFixture[str], project: Path, *arguments: str) -> list[str]:
    """The lines printed by a proof that does not begin."""
    before = sorted(project.iterdir())
    report = project / "proof.md"
    assert main(["--project", str(project), "--report", str(report), *arguments]) == 2
    assert sorted(project.iterdir()) == before
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err.splitlines()


def test_everything_missing_is_reported_at_once(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As on a new machine, with the checkout's settings unchanged."""
    dev = CHECKOUT / "Pulumi.dev.yaml"
    first, *said = complaints(capsys, machine, "--settings", str(dev))
    assert first == "Nothing was created. Missing:"
    assert len(said) == 4
    assert all(line.startswith("- ") and line.endswith(".") for line in said)
    for part in (
        "operatorCidrs has the example 203.0.113.0/24",
        "agentCidrs has",
        "no `pulumi` on the PATH",
        "AWS does",
    ):
        assert any(part in line for line in said), part


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory): name one with SETTINGS=FILE"),
        ("- a list", "has no settings below `config:`"),
        ("config: [", "settings.yaml is not valid YAML"),
        ("config: {}", "aws:region: is missing"),
        ("config: {monitoring:retention: 7d}", "aws:region: is missing"),
        ("config: {aws:region: x, monitoring:operatorCidrs: 5}", "monitoring:operatorCidrs = 5: is not a list"),
        ("config: {aws:region: x, monitoring:operatorCidrs: {a: 1}}", "monitoring:operatorCidrs"),
        ("config: {aws:region: eu-central-1, monitoring:retention: 7}", "monitoring:retention = "),
        ("config: {aws:region: x, monitoring:protect: true}", "could not be destroyed at the end: leave it out"),
        ("config: {aws:region: x, monitoring:smtp: {password: {secure: abc}}}", "has encrypted values"),
        ("config: {aws:region: x, monitoring:hosts: [{privateKey: {secure: abc}}]}", "has encrypted values"),
    ],
)
def test_unusable_settings_are_reported(
    machine: Path, capsys: pytest.CaptureFixture[str], content: str | None, sentence: str
) -> None:
    file = machine / "settings.yaml"
    if content is not None:
        file.write_text(content)
    assert any(sentence in line for line in complaints(capsys, machine, "--settings", str(file)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--stack", "a b"), "'a b' is not a valid stack name"),
        (("--report", "/"), "The report / cannot be written"),
        (("--report", "/nowhere/proof.md"), "The report /nowhere/proof.md cannot be written"),
        (("--project", "/nowhere"), "There is no folder /nowhere: "),
    ],
)
def test_unusable_arguments_are_reported(
    machine: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], sentence: str
) -> None:
    assert any(sentence in line for line in complaints(capsys, machine, *arguments))


def test_protect_false_is_not_reported(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = machine / "settings.yaml"
    file.write_text('config: {monitoring:protect: "false"}')
    reported = complaints(capsys, machine, "--settings", str(file))
    assert reported and not [line for line in reported if "has monitoring:protect" in line]


@pytest.mark.slow
def test_what_pulumi_lacks_is_reported(
    machine: Path, settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings
    monkeypatch.setenv("PATH", f"{find_pulumi().parent}{os.pathsep}/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(machine / "home"))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "1")
    (machine / "home").mkdir()
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN", raising=False)
    assert any("Pulumi is not logged in" in line for line in complaints(capsys, machine))
    (machine / "state").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{machine / 'state'}")
    assert any("set PULUMI_CONFIG_PASSPHRASE" in line for line in complaints(capsys, machine))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    assert not any("PASSPHRASE" in line for line in complaints(capsys, machine))
    (machine / "Pulumi.proof.yaml").write_text("config: {}\n")
    assert any("The stack proof, or" in line for line in complaints(capsys, machine))
    assert not any("The stack " in line for line in complaints(capsys, machine, "--stack", "other"))


@pytest.mark.parametrize("answer", ["", "{", "null", "5", "[]", "[1]", '{"a": 1}', "<html>"])
def test_a_pulumi_that_is_another_program_is_reported(
    machine: Path, settings: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    del settings
    cli = machine / "bin" / "pulumi"
    cli.write_text(f"#!/bin/sh\nprintf %s '{answer}'\n")
    cli.chmod(0o755)
    (line,) = [each for each in complaints(capsys, machine) if "did not print the expected JSON" in each]
    assert line.endswith(f"check that {cli} is Pulumi's CLI.")


def test_invalid_outputs_are_a_failed_step(machine: Path) -> None:
    cli = machine / "bin" / "pulumi"
    cli.write_text('#!/bin/sh\nprintf \'{"grafanaAdminPassword": "secret\'\n')
    cli.chmod(0o755)
    with pytest.raises(FailedError) as error:
        Pulumi(machine, "proof").outputs()
    assert "did not print the stack's outputs" in str(error.value)
    assert "secret" not in str(error.value)
