"""Previews of stacks that exist, and of new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delivery import cost, stacks
from delivery.comment import Report
from delivery.previews import preview
from tests.delivery.conftest import SECRET, SETTINGS, ScriptedPulumi

NOT_JSON = (
    "`pulumi preview --json` did not print the expected JSON: run it yourself, and check that the `pulumi` on the PATH "
    "is Pulumi's CLI."
)
STEP = {
    "op": "create",
    "urn": "urn:pulumi:dev::monitoring::aws:ec2/eip:Eip::server",
    "newState": {"custom": True, "inputs": {}},
}


@pytest.fixture(autouse=True)
def billed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """The stacks whose cost is computed, and the settings that they are compared with."""
    asked: list[tuple[str, str | None]] = []

    def difference(_: Path, stack: str, before: str | None) -> str:
        asked.append((stack, before))
        return "about 20 US dollars a month"

    monkeypatch.setattr(cost, "difference", difference)
    monkeypatch.setattr(stacks, "file_before", lambda _, base, stack: f"{stack} at {base}")
    return asked


def previewed(pulumi: ScriptedPulumi, *, exists: bool, **answer: Any) -> Report:
    pulumi.lists(*(["dev"] if exists else []))
    pulumi.answer("stack init", runs="echo 'encryptionsalt: v1:x' >>Pulumi.dev.yaml")
    pulumi.answer("preview --json", **{"printed": {"steps": [STEP]}, **answer})
    return preview(pulumi.folder, "dev", "base")


def test_an_existing_stack_is_previewed_in_its_own_backend(
    pulumi: ScriptedPulumi, billed: list[tuple[str, str | None]]
) -> None:
    report = previewed(pulumi, exists=True)
    assert report.preview is not None
    assert [(change.op, change.name) for change in report.preview.changes] == [("create", "server")]
    assert (report.new, report.failed, report.cost) == (False, (), "about 20 US dollars a month")
    assert billed == [("dev", "dev at base")]
    assert set(pulumi.asked.values()) == {"s3://state "}
    assert pulumi.changes() == []


def test_a_new_stack_is_previewed_in_a_temporary_backend(
    pulumi: ScriptedPulumi, billed: list[tuple[str, str | None]]
) -> None:
    """The real backend is asked only whether it has the stack."""
    report = previewed(pulumi, exists=False)
    assert report.preview is not None
    assert (report.new, report.failed) == (True, ())
    assert billed == [("dev", None)], "the cost is compared with older settings"
    asked = pulumi.asked
    assert asked.pop("stack ls --json") == "s3://state "
    first, *_, last = asked
    assert first == "stack init --no-select --secrets-provider passphrase --stack dev"
    assert last == "preview --json --stack dev"
    (where,) = set(asked.values())
    backend, _, passphrase = where.partition(" ")
    assert backend.startswith("file:///")
    assert not Path(backend.removeprefix("file://")).exists()
    assert len(passphrase) > 20
    assert pulumi.settings.read_text() == SETTINGS, "`stack init` has added a salt to the settings"


def test_a_new_stack_keeps_the_secrets_provider_of_its_settings(pulumi: ScriptedPulumi) -> None:
    """Its encrypted settings can only be read with that key."""
    text = f"secretsprovider: awskms://alias/pulumi\n{SETTINGS}"
    pulumi.settings.write_text(text)
    assert previewed(pulumi, exists=False).failed == ()
    where = pulumi.asked["stack init --no-select --secrets-provider awskms://alias/pulumi --stack dev"]
    assert where.startswith("file:///")
    assert where.endswith(" "), "there is a passphrase"
    assert pulumi.settings.read_text() == text


@pytest.mark.parametrize("exists", [True, False])
def test_secrets_in_a_preview_are_hidden(pulumi: ScriptedPulumi, exists: bool) -> None:
    error = {"severity": "error", "message": f"error: {SECRET} is wrong"}
    report = previewed(pulumi, exists=exists, printed={"diagnostics": [error]}, status=1)
    assert report.failed == ("[secret] is wrong",)
    assert previewed(pulumi, exists=exists, printed="", said=f"error: {SECRET}", status=255).failed == ("[secret]",)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"printed": "", "said": "error: no plugin\n", "status": 255}, "no plugin"),
        ({"printed": "", "status": 255}, "pulumi printed nothing."),
        ({"printed": "\n", "said": "error: no plugin"}, "no plugin"),
        ({"printed": {}, "said": "error: killed", "status": 1}, "killed"),
        ({"printed": "no JSON", "status": 1}, NOT_JSON),
    ],
)
def test_a_failed_preview_reports_why(
    pulumi: ScriptedPulumi, exists: bool, answer: dict[str, Any], failed: str
) -> None:
    report = previewed(pulumi, exists=exists, **answer)
    assert (report.preview, report.failed, report.new) == (None, (failed,), not exists)
    assert report.cost is None
    assert pulumi.settings.read_text() == SETTINGS


def test_a_preview_with_errors_fails_although_it_lists_changes(pulumi: ScriptedPulumi) -> None:
    errors = [{"severity": "error", "message": f"error: {what}\n"} for what in ("one", "two")]
    report = previewed(pulumi, exists=True, printed={"steps": [STEP], "diagnostics": errors}, status=1)
    assert (report.preview, report.failed) == (None, ("one", "two"))


def test_an_unreachable_backend_is_reported(pulumi: ScriptedPulumi) -> None:
    pulumi.answer("stack ls", said="error: no such bucket", status=255)
    report = preview(pulumi.folder, "dev", "base")
    assert (report.preview, report.failed, report.new) == (None, ("pulumi failed for dev: no such bucket",), False)
