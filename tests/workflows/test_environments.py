"""pull-request-environment.yml: when it runs, and what it refuses. Its `up` and `destroy` are those of the others."""

from __future__ import annotations

import pytest

from tests.workflows.repository import Repository
from tests.workflows.runs import Event

pytestmark = pytest.mark.slow

WORKFLOW = "pull-request-environment"


def labelled(repository: Repository, action: str, *labels: str, fork: bool = False, about: str = "") -> Event:
    """A pull request with labels. about: the label that was added or removed."""
    event = repository.pull_request({"docs/x.md": "x\n"}, fork=fork)
    event.payload["action"] = action
    event.payload["pull_request"]["labels"] = [{"name": each} for each in labels]
    if about:
        event.payload["label"] = {"name": about}
    return event


@pytest.mark.parametrize(
    "event",
    [
        ("synchronize", (), False, ""),
        ("labeled", ("environment", "bug"), False, "bug"),
        ("unlabeled", ("environment",), False, "bug"),
        ("labeled", ("environment",), True, "environment"),
        ("closed", ("bug",), False, ""),
    ],
    ids=["no label", "another label on", "another label off", "a fork", "closed without one"],
)
def test_the_workflow_does_not_run(repository: Repository, event: tuple[str, tuple[str, ...], bool, str]) -> None:
    action, labels, fork, about = event
    runs = repository.runner.run(WORKFLOW, labelled(repository, action, *labels, fork=fork, about=about))
    assert runs.results == {"environment": "skipped", "comment": "skipped"}


def test_a_closed_pull_request_without_an_environment_is_left_alone(repository: Repository) -> None:
    event = labelled(repository, "closed", "environment")
    runs = repository.runner.run(WORKFLOW, event)
    assert runs.results == {"environment": "success", "comment": "success"}, runs.written
    assert runs["environment"].environment == "pull-request"
    (said,) = repository.github.said(event.number)
    assert said.endswith("This pull request has no environment.")


def test_a_protected_environment_is_refused(repository: Repository) -> None:
    repository.push(repository.settings("pull-request", protect=True))
    event = labelled(repository, "labeled", "environment", about="environment")
    runs = repository.runner.run(WORKFLOW, event)
    assert runs.results == {"environment": "failure", "comment": "success"}
    assert "Pulumi.pull-request.yaml has monitoring:protect" in runs["environment"].log
    (said,) = repository.github.said(event.number)
    assert "The environment of this pull request failed: https://github.com/" in said
