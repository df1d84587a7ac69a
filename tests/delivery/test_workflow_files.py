"""Rules for every workflow, besides what actionlint and zizmor find (`make check`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.toolchain.recipes import PULUMI_VERSION

GITHUB = Path(__file__).resolve().parents[2] / ".github"
FILES = sorted([*GITHUB.glob("workflows/*.yml"), *GITHUB.glob("actions/*/action.yml")])
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))


def jobs() -> Iterator[Any]:
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            yield pytest.param(path.stem, job, id=f"{path.stem}-{name}")


def steps(path: Path) -> list[dict[str, Any]]:
    source = yaml.safe_load(path.read_text())
    found = [step for job in source.get("jobs", {}).values() for step in job.get("steps", [])]
    return [*found, *source.get("runs", {}).get("steps", [])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GITHUB)))
def test_actions_are_pinned_by_commit_with_their_version_in_a_comment(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, rest in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", rest), action


def test_an_action_has_the_same_commit_everywhere() -> None:
    pinned = {found for path in FILES for found in re.findall(r"uses: ([\w/-]+)@(\S+)", path.read_text())}
    assert len(pinned) == len({action for action, _ in pinned}) > 3


def test_no_expression_is_inserted_into_a_script() -> None:
    scripts = [step["run"] for path in FILES for step in steps(path) if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize(("workflow", "job"), list(jobs()))
def test_a_job_has_its_own_permissions_and_an_end(workflow: str, job: dict[str, Any]) -> None:
    assert set(job["permissions"]) <= {"contents", "id-token", "pull-requests", "issues"}
    assert job["permissions"]["contents"] == "read"
    assert "uses" in job or job["timeout-minutes"] <= 90


@pytest.mark.parametrize(("workflow", "job"), list(jobs()))
def test_a_job_that_may_write_to_github_has_no_identity_in_aws(workflow: str, job: dict[str, Any]) -> None:
    writes = {name for name, level in job["permissions"].items() if level == "write"}
    assert writes <= {"id-token"} or "id-token" not in writes


@pytest.mark.parametrize(("workflow", "job"), list(jobs()))
def test_the_deploy_role_is_only_available_in_an_environment_one_at_a_time(workflow: str, job: dict[str, Any]) -> None:
    roles = {step.get("with", {}).get("role") for step in job.get("steps", [])} - {None}
    if roles == {"${{ vars.AWS_DEPLOY_ROLE }}"}:
        assert job["environment"]
        assert job["concurrency"]["group"].startswith("stack-")
        assert job["concurrency"]["cancel-in-progress"] is False
    else:
        assert roles <= {"${{ vars.AWS_PREVIEW_ROLE }}"}
        assert "environment" not in job


def test_no_workflow_runs_untrusted_code_with_rights() -> None:
    for path in WORKFLOWS:
        source = yaml.safe_load(path.read_text())
        assert source["permissions"] == {}
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(source[True])


def test_a_fork_never_gets_credentials() -> None:
    """For `pull_request` events. GitHub gives forks no identity either, unless somebody allows it to."""
    every = [(str(each.values[0]), each.values[1]) for each in jobs()]
    found = [job for name, job in every if name.startswith("pull-request") and job["permissions"].get("id-token")]
    assert found
    for job in found:
        assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]


def test_the_cli_is_the_one_that_is_tested() -> None:
    (step,) = [each for each in steps(GITHUB / "actions/pulumi/action.yml") if "pulumi/actions" in each.get("uses", "")]
    assert step["with"]["pulumi-version"] == PULUMI_VERSION
