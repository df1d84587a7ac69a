"""`up`, `destroy`, the environments of pull requests, and drift: what they run, and what they refuse before that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from delivery import environments, life
from delivery.__main__ import main
from delivery.errors import DeliveryError
from tests.delivery.conftest import SECRET, SETTINGS, ScriptedPulumi, git

UP = "up --yes --skip-preview --stack dev"
DESTROY = ["destroy --yes --skip-preview --stack dev", "stack rm --yes --preserve-config --stack dev"]


@pytest.fixture
def commits(pulumi: ScriptedPulumi) -> list[str]:
    """Three commits of the project, oldest first; the second one is checked out."""
    git(pulumi.folder, "init", "--initial-branch=main")
    made = []
    for number in range(3):
        git(pulumi.folder, "commit", "--allow-empty", "-m", str(number))
        made.append(git(pulumi.folder, "rev-parse", "HEAD"))
    git(pulumi.folder, "checkout", made[1])
    return made


# --- up


def test_a_new_stack_is_created_and_deployed(pulumi: ScriptedPulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi.lists("prod")
    monkeypatch.setenv("PULUMI_SECRETS_PROVIDER", "awskms://alias/pulumi")
    life.up(pulumi.folder, "dev")
    init = "stack init --no-select --secrets-provider awskms://alias/pulumi --stack dev"
    assert pulumi.changes() == [init, UP]
    assert "stack history" not in " ".join(pulumi.asked)


def test_without_a_secrets_provider_a_new_stack_has_that_of_the_backend(pulumi: ScriptedPulumi) -> None:
    pulumi.lists()
    life.up(pulumi.folder, "dev")
    assert pulumi.changes() == ["stack init --no-select --secrets-provider default --stack dev", UP]


@pytest.mark.parametrize("deployed", [0, 1, "f" * 40, ""], ids=["earlier", "the same", "unknown", "none"])
def test_a_commit_that_is_not_older_than_the_deployed_one_is_deployed(
    pulumi: ScriptedPulumi, commits: list[str], deployed: int | str
) -> None:
    head = commits[deployed] if isinstance(deployed, int) else deployed
    pulumi.answer("stack history", [{"environment": {"git.head": head} if head else None}])
    life.up(pulumi.folder, "dev")
    assert pulumi.changes() == [UP]
    assert "stack history --json --page-size 1 --stack dev" in pulumi.asked


def test_a_stack_that_was_never_deployed_is_deployed(pulumi: ScriptedPulumi, commits: list[str]) -> None:
    pulumi.answer("stack history", [])
    life.up(pulumi.folder, "dev")
    assert pulumi.changes() == [UP]


def test_a_commit_older_than_the_deployed_one_is_refused(pulumi: ScriptedPulumi, commits: list[str]) -> None:
    """Its run waited so long for approval that a later commit has been deployed."""
    pulumi.answer("stack history", [{"environment": {"git.head": commits[2]}}])
    with pytest.raises(DeliveryError, match=f"{commits[2][:12]}; this run is for {commits[1][:12]}"):
        life.up(pulumi.folder, "dev")
    assert pulumi.changes() == []


def test_a_failed_up_fails_and_its_output_has_no_secrets(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.answer("stack history", [])
    pulumi.answer("up", f"connecting with {SECRET}\n", f"error: {SECRET}\n", 255)
    assert main(["up", "--stack", "dev"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "connecting with [secret]\nerror: [secret]\n"
    assert "`pulumi up` failed for dev" in printed.err


def test_a_stack_without_a_settings_file_is_refused_before_pulumi_runs(pulumi: ScriptedPulumi) -> None:
    with pytest.raises(DeliveryError, match=r"Pulumi\.prod\.yaml does not exist"):
        life.up(pulumi.folder, "prod")
    assert pulumi.asked == {}


# --- destroy


def test_a_stack_is_destroyed_and_removed(pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.keeps(False, False)
    pulumi.answer("destroy", f"deleting {SECRET}\n")
    assert main(["destroy", "--stack", "dev", "--again", "dev"]) == 0
    assert pulumi.changes() == DESTROY
    assert capsys.readouterr().out == "deleting [secret]\n"


@pytest.mark.parametrize("again", ["", "de", "prod"])
def test_a_mistyped_name_destroys_nothing(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str], again: str
) -> None:
    for command in ("may-destroy", "destroy"):
        assert main([command, "--stack", "dev", "--again", again]) == 1
        assert f"The names differ: dev and {again or '(nothing)'}. Nothing was deleted." in capsys.readouterr().err
    assert pulumi.asked == {}


def test_a_protected_settings_file_is_refused_before_the_backend_is_asked(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.settings.write_text(f"{SETTINGS}  monitoring:protect: true\n")
    for command in ("may-destroy", "destroy"):
        assert main([command, "--stack", "dev", "--again", "dev"]) == 1
        assert "dev is protected (monitoring:protect in Pulumi.dev.yaml)" in capsys.readouterr().err
    assert pulumi.asked == {}


def test_a_stack_that_may_be_destroyed_is_not_refused(pulumi: ScriptedPulumi) -> None:
    assert main(["may-destroy", "--stack", "dev", "--again", "dev"]) == 0


def test_a_stack_that_was_deployed_with_protection_is_not_destroyed(pulumi: ScriptedPulumi) -> None:
    """Its settings file no longer protects it, but that has not been deployed."""
    pulumi.keeps(True, False, True)
    with pytest.raises(DeliveryError, match=r"protected \(2 of its deployed resources\)"):
        life.destroy(pulumi.folder, "dev", "dev")
    assert pulumi.changes() == []


def test_a_stack_that_does_not_exist_is_not_destroyed(pulumi: ScriptedPulumi) -> None:
    pulumi.lists("prod")
    with pytest.raises(DeliveryError, match="There is no stack dev in the backend"):
        life.destroy(pulumi.folder, "dev", "dev")
    assert pulumi.changes() == []


def test_a_stack_that_could_not_be_destroyed_is_not_removed(pulumi: ScriptedPulumi) -> None:
    pulumi.answer("destroy", status=255)
    with pytest.raises(DeliveryError, match="`pulumi destroy` failed for dev"):
        life.destroy(pulumi.folder, "dev", "dev")
    assert pulumi.changes() == DESTROY[:1]


# --- The environments of pull requests


@pytest.fixture
def template(pulumi: ScriptedPulumi) -> Path:
    file = pulumi.folder / "Pulumi.pull-request.yaml"
    file.write_text(SETTINGS)
    return file


def test_an_environment_has_the_settings_of_the_template(pulumi: ScriptedPulumi, template: Path) -> None:
    pulumi.answer("stack output grafanaUrl", "https://198.51.100.7\n")
    assert main(["environment", "up", "--number", "7", "--out", "out"]) == 0
    assert pulumi.changes()[-1] == "up --yes --skip-preview --stack pr-7"
    assert (pulumi.folder / "Pulumi.pr-7.yaml").read_text() == SETTINGS
    comment = (pulumi.folder / "out/environment.md").read_text()
    assert comment.startswith("The environment of this pull request is up: https://198.51.100.7. Its password: ")
    assert "`pulumi stack output grafanaAdminPassword --stack pr-7 --show-secrets`" in comment


def test_an_environment_is_destroyed(pulumi: ScriptedPulumi, template: Path) -> None:
    pulumi.lists("dev", "pr-7")
    assert main(["environment", "down", "--number", "7", "--out", "out"]) == 0
    assert pulumi.changes() == [command.replace("dev", "pr-7") for command in DESTROY]
    assert "has been destroyed" in (pulumi.folder / "out/environment.md").read_text()


def test_a_pull_request_without_an_environment_destroys_nothing(pulumi: ScriptedPulumi, template: Path) -> None:
    pulumi.lists("dev", "pr-70")
    assert environments.down(pulumi.folder, 7) == "This pull request has no environment."
    assert pulumi.changes() == []


def test_a_template_with_protection_makes_no_environment(pulumi: ScriptedPulumi, template: Path) -> None:
    template.write_text(f"{SETTINGS}  monitoring:protect: true\n")
    with pytest.raises(DeliveryError, match=r"Pulumi\.pull-request\.yaml has monitoring:protect"):
        environments.up(pulumi.folder, 7)
    template.unlink()
    with pytest.raises(DeliveryError, match=r"There is no Pulumi\.pull-request\.yaml"):
        environments.up(pulumi.folder, 7)
    assert pulumi.asked == {}


# --- Drift


def drifted(*changes: tuple[str, str]) -> dict[str, Any]:
    """What a refresh prints. changes: operation and name of each resource; `data` is the data volume."""
    states = {"oldState": {"custom": True, "inputs": {}}, "newState": {"custom": True, "inputs": {}}}

    def urn(name: str) -> str:
        return f"urn:pulumi:dev::monitoring::{'aws:ebs/volume:Volume' if name == 'data' else 't:t:Thing'}::{name}"

    return {"steps": [{"op": op, "urn": urn(name), **states} for op, name in changes]}


def drift(grafana: str = "in-reach") -> int:
    return main(["drift", "--out", "out", "--run", "https://github.com/run", "--grafana", grafana])


def test_drift_is_written_to_a_file_and_the_summary(
    pulumi: ScriptedPulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    pulumi.answer("refresh", drifted(("delete", "data"), ("delete", "lost"), ("update", "moved"), ("same", "kept")))
    assert drift() == 0
    text = (pulumi.folder / "out/dev.md").read_text()
    assert text.splitlines()[:5] == [
        "Resources of the stack `dev` were changed outside Pulumi:",
        "",
        "- the data volume is gone.",
        "- Thing lost is gone.",
        "- Thing moved was changed.",
    ]
    assert "kept" not in text
    assert "Found by https://github.com/run" in text
    assert (tmp_path / "summary").read_text() == f"{text}\n\n"
    assert pulumi.changes() == []
    assert list(pulumi.asked)[-1] == "refresh --preview-only --json --stack dev"


@pytest.mark.parametrize("printed", ["", {"steps": []}, drifted(("same", "kept"), ("refresh", "kept"))])
def test_a_stack_without_drift_has_an_empty_file_which_closes_its_issue(pulumi: ScriptedPulumi, printed: Any) -> None:
    pulumi.answer("refresh", printed)
    assert drift("out-of-reach") == 0
    assert (pulumi.folder / "out/dev.md").read_text() == ""
    assert list(pulumi.asked)[-1] == "refresh --preview-only --json --exclude **grafana:** --stack dev"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"printed": drifted(), "said": "error: no credentials", "status": 255}, "error: no credentials"),
        ({"printed": "", "said": f"error: {SECRET}", "status": 255}, "error: [secret]"),
        (
            {"printed": {"diagnostics": [{"severity": "error", "message": "error: throttled"}]}, "status": 1},
            "throttled",
        ),
    ],
)
def test_a_refresh_that_fails_closes_no_issue(
    pulumi: ScriptedPulumi, capsys: pytest.CaptureFixture[str], answer: dict[str, Any], why: str
) -> None:
    """The next stack is checked nevertheless."""
    (pulumi.folder / "Pulumi.prod.yaml").write_text(SETTINGS)
    pulumi.answer("refresh", **answer)
    pulumi.lists("dev")
    assert drift() == 1
    printed = capsys.readouterr()
    assert f"Whether dev has drifted is unknown, because the refresh failed:\n{why}\n" in printed.err
    assert "prod does not exist yet." in printed.out
    assert list((pulumi.folder / "out").iterdir()) == []


# --- What jobs pass on


def test_stacks_are_passed_on_to_later_jobs(
    pulumi: ScriptedPulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (pulumi.folder / "Pulumi.prod.yaml").write_text(f"{SETTINGS}  monitoring:protect: true\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    assert main(["changed", "--base", "0" * 40]) == 0
    values = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    found = {name: json.loads(value) for name, value in values.items()}
    assert found == {"stacks": ["dev", "prod"], "open": ["dev"], "protected": ["prod"]}


@pytest.mark.parametrize(("status", "headline"), [(0, "## No stack changes"), (1, "## The preview of dev failed")])
def test_a_preview_is_written_as_a_comment_and_as_the_summary(
    pulumi: ScriptedPulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, headline: str
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setattr("delivery.cost.difference", lambda *_: None)
    pulumi.answer("preview", {"steps": []}, "error: no plugin", status)
    assert main(["preview", "--base", "0" * 40, "--out", "out", "--commit", "c" * 40]) == status
    for file in (pulumi.folder / "out/comment.md", tmp_path / "summary"):
        assert file.read_text().startswith(f"{headline}\n")
        assert "Commit cccccccccccc." in file.read_text()


def test_a_refusal_is_in_the_summary(pulumi: ScriptedPulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    assert main(["destroy", "--stack", "dev", "--again", "x"]) == 1
    assert (tmp_path / "summary").read_text().startswith("**Refused or failed:** The names differ: dev and x.")
