"""When `pulumi` prints nothing, half of its JSON or something else, one sentence says so, and nothing is changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from delivery import digest
from delivery.__main__ import main
from delivery.errors import DeliveryError
from delivery.pulumi import Pulumi

CLI = """#!/bin/sh
case "$*" in
  *"{asked}"*) cat '{folder}/answer' ;;
  *"stack ls"*) echo '[{{"name": "dev"}}]' ;;
  *history*) echo '[]' ;;
  *export*) echo '{{"version": 3, "deployment": {{}}}}' ;;
  *config*) echo '{{}}' ;;
  *) touch '{folder}/changed' ;;
esac
"""
STRANGE = ("", "{", '[{"name', "<html>", "null", "5", '"text"', "[1]", "[null]", '{"a": 1}')
ASKED = ("stack ls", "stack history", "config --show-secrets", "stack export --show-secrets")
WRONG = [(asked, answer) for asked in ASKED for answer in STRANGE if (asked, answer) != ("stack history", "null")]
"""`null` is a valid history, without a deployment."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answering(project: Path, asked: str, answer: str) -> None:
    (project / "answer").write_text(answer)
    cli = project / "bin/pulumi"
    cli.write_text(CLI.format(asked=asked, folder=project))
    cli.chmod(0o755)


@pytest.mark.parametrize(("asked", "answer"), WRONG)
def test_up_stops_before_it_changes_anything(
    project: Path, capsys: pytest.CaptureFixture[str], asked: str, answer: str
) -> None:
    answering(project, asked, answer)
    assert main(["up", "--stack", "dev"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"`pulumi {asked}") and "did not print the expected JSON" in line
    assert not (project / "changed").exists()


@pytest.mark.parametrize("answer", STRANGE)
def test_destroy_stops_when_protection_is_unknown(
    project: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    answering(project, "stack export", answer)
    assert main(["destroy", "--stack", "dev", "--again", "dev"]) == 1
    assert "did not print the expected JSON" in capsys.readouterr().err
    assert not (project / "changed").exists()


def test_an_ordinary_stack_is_deployed(project: Path) -> None:
    answering(project, "nothing", "")
    assert main(["up", "--stack", "dev"]) == 0
    assert (project / "changed").exists()


@pytest.mark.parametrize("answer", [*STRANGE[:-1], '{"steps": [{"op": "update"}]}', '{"steps": 5}', '{"steps": ["x"]}'])
def test_a_preview_of_another_form_is_refused(answer: str) -> None:
    with pytest.raises(DeliveryError, match="did not print the expected JSON"):
        digest.parsed(answer)


def test_an_answer_that_is_not_text_is_refused(project: Path) -> None:
    answering(project, "stack ls", "")
    (project / "answer").write_bytes(b"\xff\xfe[]")
    with pytest.raises(DeliveryError, match="did not print the expected JSON"):
        Pulumi(project, "dev").exists()
    (project / "answer").write_text(json.dumps([]))
    assert not Pulumi(project, "dev").exists()
