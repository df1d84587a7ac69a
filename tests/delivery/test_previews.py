"""The preview of a stack, with a script in the place of the CLI. The real CLI: tests/workflows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from delivery import cost, stacks
from delivery.comment import Report
from delivery.previews import preview

SETTINGS = "config:\n  monitoring:retention: 7d\n"
BACKEND = "s3://state"
SECRET = "the-password"
CLI = f"""#!/bin/sh
printf '%s\\n' "$PULUMI_BACKEND_URL $PULUMI_CONFIG_PASSPHRASE|$*" >>asked
case "$*" in
  *"stack ls"*) cat listed ;;
  *"stack init"*) echo 'encryptionsalt: v1:x' >>Pulumi.dev.yaml ;;
  *config*) echo '{{}}' ;;
  *export*) echo '{{"deployment": {{"outputs": {{"plaintext": "\\"{SECRET}\\""}}}}}}' ;;
  *"preview --json"*) cat printed; cat said >&2; exit $(cat status) ;;
esac
"""
STEP = {
    "op": "create",
    "urn": "urn:pulumi:dev::monitoring::aws:ec2/eip:Eip::server",
    "newState": {"custom": True, "inputs": {}},
}


class Project:
    """A folder with the settings of `dev`, and a `pulumi` that answers what a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, folder / "Pulumi.dev.yaml"
        self.settings.write_text(SETTINGS)
        self.billed: list[tuple[str, str | None]] = []

    def preview(
        self, *, exists: bool, printed: str | None = None, said: str = "", status: int = 0, listed: str = ""
    ) -> Report:
        found = json.dumps({"steps": [STEP]}) if printed is None else printed
        stack_list = listed or json.dumps([{"name": "dev"}] if exists else [])
        answers = {"listed": stack_list, "printed": found, "said": said, "status": str(status)}
        for name, text in answers.items():
            (self.folder / name).write_text(text)
        return preview(self.folder, "dev", "base")

    @property
    def asked(self) -> dict[str, str]:
        """Command -> the backend and the passphrase that it ran with."""
        lines = (line.partition("|") for line in (self.folder / "asked").read_text().splitlines())
        return {command.removeprefix("--non-interactive --color never "): where for where, _, command in lines}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    program = tmp_path / "bin/pulumi"
    program.parent.mkdir()
    program.write_text(CLI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_BACKEND_URL", BACKEND)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    made = Project(tmp_path)

    def difference(_: Path, stack: str, before: str | None) -> str:
        made.billed.append((stack, before))
        return "about 20 US dollars a month"

    monkeypatch.setattr(cost, "difference", difference)
    monkeypatch.setattr(stacks, "file_before", lambda _, base, stack: f"{stack} at {base}")
    return made


def test_an_existing_stack_is_previewed_in_its_own_backend(project: Project) -> None:
    report = project.preview(exists=True)
    assert report.preview is not None
    assert [(change.op, change.name) for change in report.preview.changes] == [("create", "server")]
    assert (report.new, report.failed, report.cost) == (False, (), "about 20 US dollars a month")
    assert project.billed == [("dev", "dev at base")]
    assert set(project.asked.values()) == {f"{BACKEND} "}
    assert not [command for command in project.asked if "init" in command]


def test_a_new_stack_is_previewed_in_a_temporary_backend(project: Project) -> None:
    """The real backend is only asked whether it has the stack."""
    report = project.preview(exists=False)
    assert report.preview is not None
    assert (report.new, report.failed) == (True, ())
    assert project.billed == [("dev", None)], "it has cost nothing before"
    asked = project.asked
    assert asked.pop("stack ls --json") == f"{BACKEND} "
    first, *_, last = asked
    assert first == "stack init --no-select --secrets-provider passphrase --stack dev"
    assert last == "preview --json --stack dev"
    (where,) = set(asked.values())
    backend, _, passphrase = where.partition(" ")
    assert backend.startswith("file:///")
    assert not Path(backend.removeprefix("file://")).exists()
    assert len(passphrase) > 20
    assert project.settings.read_text() == SETTINGS, "without the salt that `stack init` has written"


def test_a_new_stack_keeps_the_secrets_provider_of_its_settings(project: Project) -> None:
    """Its encrypted settings can only be read with that key."""
    text = f"secretsprovider: awskms://alias/pulumi\n{SETTINGS}"
    project.settings.write_text(text)
    assert project.preview(exists=False).failed == ()
    where = project.asked["stack init --no-select --secrets-provider awskms://alias/pulumi --stack dev"]
    assert where.startswith("file:///")
    assert where.endswith(" "), "no passphrase"
    assert project.settings.read_text() == text


@pytest.mark.parametrize("exists", [True, False])
def test_secrets_in_a_preview_are_hidden(project: Project, exists: bool) -> None:
    error = {"severity": "error", "message": f"error: {SECRET} is wrong"}
    report = project.preview(exists=exists, printed=json.dumps({"diagnostics": [error]}), status=1)
    assert report.failed == ("[secret] is wrong",)
    assert project.preview(exists=exists, printed="", said=f"error: {SECRET}", status=255).failed == ("[secret]",)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"printed": "", "said": "error: no plugin\n", "status": 255}, "no plugin"),
        ({"printed": "", "status": 255}, "pulumi printed nothing."),
        ({"printed": "\n", "said": "error: no plugin"}, "no plugin"),
        ({"printed": "{}", "said": "error: killed", "status": 1}, "killed"),
        ({"printed": "no JSON", "status": 1}, "pulumi printed no preview."),
    ],
)
def test_a_failed_preview_reports_why(project: Project, exists: bool, answer: dict[str, Any], failed: str) -> None:
    report = project.preview(exists=exists, **answer)
    assert (report.preview, report.failed, report.new) == (None, (failed,), not exists)
    assert report.cost is None
    assert project.settings.read_text() == SETTINGS


def test_a_preview_with_errors_fails_although_it_lists_changes(project: Project) -> None:
    errors = [{"severity": "error", "message": f"error: {what}\n"} for what in ("one", "two")]
    report = project.preview(exists=True, printed=json.dumps({"steps": [STEP], "diagnostics": errors}), status=1)
    assert (report.preview, report.failed) == (None, ("one", "two"))


def test_an_unreadable_list_of_stacks_is_reported(project: Project) -> None:
    report = project.preview(exists=True, listed="no JSON")
    assert report.preview is None
    assert report.failed[0].startswith("`pulumi stack ls --json` printed something else")
    assert not report.new
