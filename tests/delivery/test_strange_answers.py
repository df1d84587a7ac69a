"""When `pulumi` prints nothing, half of its JSON or something else, one sentence says so, and nothing is changed."""

from __future__ import annotations

import pytest

from delivery import digest
from delivery.__main__ import main
from delivery.errors import DeliveryError
from delivery.pulumi import Pulumi
from tests.delivery.conftest import ScriptedPulumi

STRANGE = ("", "{", '[{"name', "<html>", "null", "5", '"text"', "[1]", "[null]", '{"a": 1}')
ASKED = ("stack ls", "stack history", "config --show-secrets", "stack export --show-secrets")
WRONG = [(asked, answer) for asked in ASKED for answer in STRANGE if (asked, answer) != ("stack history", "null")]
"""`null` is a valid history, without a deployment."""


@pytest.fixture(autouse=True)
def deployed(pulumi: ScriptedPulumi) -> None:
    """The stack `dev` exists, and has no deployment in its history."""
    pulumi.answer("stack history", [])


@pytest.mark.parametrize(("asked", "answer"), WRONG)
def test_up_stops_before_it_changes_anything(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str], asked: str, answer: str
) -> None:
    pulumi.answer(asked.partition(" --")[0], answer)
    assert main(["up", "--stack", "dev"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"`pulumi {asked}") and "did not print the expected JSON" in line
    assert pulumi.changes() == []


@pytest.mark.parametrize("answer", STRANGE)
def test_destroy_stops_when_protection_is_unknown(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    pulumi.answer("stack export", answer)
    assert main(["destroy", "--stack", "dev", "--again", "dev"]) == 1
    assert "did not print the expected JSON" in capsys.readouterr().err
    assert pulumi.changes() == []


def test_an_ordinary_stack_is_deployed(pulumi: ScriptedPulumi) -> None:
    assert main(["up", "--stack", "dev"]) == 0
    assert [command.split()[0] for command in pulumi.changes()] == ["up"]


@pytest.mark.parametrize("answer", [*STRANGE[:-1], '{"steps": [{"op": "update"}]}', '{"steps": 5}', '{"steps": ["x"]}'])
def test_a_preview_of_another_form_is_refused(answer: str) -> None:
    with pytest.raises(DeliveryError, match="did not print the expected JSON"):
        digest.parsed(answer)


def test_an_answer_that_is_not_text_is_refused(pulumi: ScriptedPulumi) -> None:
    pulumi.answer("stack ls", runs=r"printf '\377\376[]'")
    with pytest.raises(DeliveryError, match="did not print the expected JSON"):
        Pulumi(pulumi.folder, "dev").exists()
    pulumi.lists()
    assert not Pulumi(pulumi.folder, "dev").exists()
