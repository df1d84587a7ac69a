"""How workflows run the Pulumi CLI, and what is hidden in its output. The CLI is a script here; the real one is in
tests/workflows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.errors import DeliveryError
from delivery.pulumi import TAIL, Pulumi
from delivery.secrets import Redactor

SECRET = "the-password"
RECORDS = """#!/bin/sh
printf '%s\\n' "$PWD" "$PULUMI_BACKEND_URL" "$@" >>'{asked}'
{commands}
"""
ALWAYS = ["--non-interactive", "--color", "never"]

Made = Callable[[str], Pulumi]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Puts a `pulumi` on the PATH that records its arguments and runs these shell commands."""

    def made(commands: str) -> Pulumi:
        program = tmp_path / "bin/pulumi"
        program.parent.mkdir()
        program.write_text(RECORDS.format(asked=tmp_path / "asked", commands=commands))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return Pulumi(tmp_path, "dev", {"PULUMI_BACKEND_URL": "file://x"}, Redactor({SECRET}))

    return made


def asked(tmp_path: Path) -> list[str]:
    folder, backend, *arguments = (tmp_path / "asked").read_text().splitlines()
    assert (folder, backend) == (str(tmp_path), "file://x")
    return arguments


def test_the_output_of_a_command_is_printed_and_returned_without_secrets(
    cli: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = cli(f"echo one {SECRET}; echo two {SECRET} >&2").show("up", "--yes")
    assert shown == "one [secret]\ntwo [secret]"
    assert capsys.readouterr().out == f"{shown}\n"
    assert asked(tmp_path) == [*ALWAYS, "up", "--yes", "--stack", "dev"]


def test_the_output_of_a_failed_command_is_not_repeated(cli: Made, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeliveryError, match="`pulumi up` failed for dev"):
        cli(f"echo {SECRET}; exit 255").show("up")
    assert capsys.readouterr().out == "[secret]\n"


def test_ask_returns_the_output_without_printing_it(
    cli: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(f"echo {SECRET}").ask("stack", "export", "--show-secrets") == f"{SECRET}\n"
    assert capsys.readouterr().out == ""
    assert asked(tmp_path) == [*ALWAYS, "stack", "export", "--show-secrets", "--stack", "dev"]


def test_a_failed_ask_quotes_the_end_of_the_output(cli: Made) -> None:
    with pytest.raises(DeliveryError) as error:
        cli(f"seq 100 >&2; echo error: {SECRET} >&2; exit 1").ask("config")
    first, *lines = str(error.value).splitlines()
    assert first == f"pulumi failed for dev: {100 - TAIL + 2}"
    assert (len(lines), lines[-1]) == (TAIL - 1, "error: [secret]")


@pytest.mark.parametrize(("status", "worked"), [(0, True), (1, False)])
def test_both_outputs_of_an_attempt_are_returned_without_secrets(cli: Made, status: int, worked: bool) -> None:
    tried = cli(f"echo out {SECRET}; echo said {SECRET} >&2; exit {status}").attempt("preview", "--json")
    assert tried == (worked, "out [secret]\n", "said [secret]\n")


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ([], False),
        ([{"name": "prod"}], False),
        ([{"name": "dev"}], True),
        ([{"name": "team/monitoring/dev"}], True),
        ([{"name": "dev-2"}], False),
    ],
)
def test_whether_a_stack_exists(cli: Made, tmp_path: Path, listed: Any, there: bool) -> None:
    (tmp_path / "listed").write_text(json.dumps(listed))
    assert cli(f"cat '{tmp_path}/listed'").exists() is there
    assert asked(tmp_path) == [*ALWAYS, "stack", "ls", "--json"]


def test_an_unreachable_backend_is_not_a_missing_stack(cli: Made) -> None:
    with pytest.raises(DeliveryError, match="dev: no backend"):
        cli("echo error: no backend >&2; exit 1").exists()
