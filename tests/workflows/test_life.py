"""drift.yml, destroy.yml and what deploy.yml decides: their own steps run in order."""

from __future__ import annotations

import json

import pytest

from tests.live.leaks import leaks
from tests.sandbox.cloud.conftest import Cloud
from tests.workflows.conftest import Raised
from tests.workflows.repository import Repository

pytestmark = pytest.mark.slow


def test_drift_opens_one_issue_which_is_closed_when_the_drift_is_gone(
    repository: Repository, dev_is_up: Raised, aws: Cloud
) -> None:
    ec2, run = aws.client("ec2"), repository.by_hand()
    (server,) = [
        each["InstanceId"]
        for reservation in ec2.describe_instances(Filters=[{"Name": "tag:stack", "Values": ["dev"]}])["Reservations"]
        for each in reservation["Instances"]
    ]
    ec2.create_tags(Resources=[server], Tags=[{"Key": "environment", "Value": "somebody's"}])
    runs = repository.runner.run("drift", run)
    assert runs.results == {"look": "success", "issue": "success"}, runs.written[-3000:]
    (issue,) = repository.github.open_issues()
    assert issue["title"] == "dev has drifted from Pulumi's state"
    assert "- the server was changed." in issue["body"]
    assert "somebody's" in issue["body"]
    assert leaks(dev_is_up.secrets, runs.written + issue["body"]) == []

    assert repository.runner.run("drift", run).results == {"look": "success", "issue": "success"}
    assert [each["number"] for each in repository.github.open_issues()] == [issue["number"]]

    ec2.create_tags(Resources=[server], Tags=[{"Key": "environment", "Value": "dev"}])
    assert repository.runner.run("drift", run).results == {"look": "success", "issue": "success"}
    assert repository.github.open_issues() == []
    assert repository.github.said(issue["number"])[0].startswith("There is no more drift: https://github.com/")


def test_a_refresh_that_fails_closes_no_issue(repository: Repository, dev_is_up: Raised) -> None:
    repository.github.open({"title": "dev", "body": "<!-- monitoring: drift of dev -->"}, repository.github.robot)
    repository.runner.credentials = lambda *_: {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    runs = repository.runner.run("drift", repository.by_hand())
    assert runs["look"].result == "failure"
    assert "Whether dev has drifted is unknown" in runs["look"].log
    assert len(repository.github.open_issues()) == 1


@pytest.mark.parametrize(
    ("stack", "again", "words"),
    [
        ("prod", "prod", "prod is protected (monitoring:protect in Pulumi.prod.yaml)"),
        ("dev", "dve", "The names differ: dev and dve. Nothing was deleted."),
        ("$(touch /tmp/x)", "$(touch /tmp/x)", "There is no stack $(touch /tmp/x)"),
    ],
)
def test_destroy_says_why_it_refuses(repository: Repository, stack: str, again: str, words: str) -> None:
    runs = repository.runner.run("destroy", repository.by_hand(stack=stack, again=again))
    assert runs.results == {"asked": "failure", "destroy": "skipped"}
    assert words in runs["asked"].log
    assert "Traceback" not in runs["asked"].log


def test_destroy_refuses_a_stack_that_is_still_deployed_with_protect(repository: Repository, dev_is_up: Raised) -> None:
    """`protect` was set to false, but that has not been deployed yet."""
    state = repository.folder.parent / "backend/.pulumi/stacks/monitoring/dev.json"
    content = json.loads(state.read_text())
    volume = next(each for each in content["checkpoint"]["latest"]["resources"] if "Volume" in each["type"])
    volume["protect"] = True
    state.write_text(json.dumps(content))
    runs = repository.runner.run("destroy", repository.by_hand(stack="dev", again="dev"))
    assert runs.results == {"asked": "success", "destroy": "failure"}
    assert "dev is protected (1 of its deployed resources)" in runs["destroy"].log


def test_destroy_deletes_a_stack_and_its_state(repository: Repository, dev_is_up: Raised) -> None:
    runs = repository.runner.run("destroy", repository.by_hand(stack="dev", again="dev"))
    assert runs.results == {"asked": "success", "destroy": "success"}, runs.written[-3000:]
    assert runs["destroy"].environment == "dev"
    assert not (repository.folder.parent / "backend/.pulumi/stacks/monitoring/dev.json").exists()
    assert leaks(dev_is_up.secrets, runs.written) == []


def test_a_push_to_main_deploys_the_changed_stacks_and_protected_ones_last(repository: Repository) -> None:
    """Nobody approves either environment, so that nothing runs in it."""
    asked: list[str] = []
    repository.runner.approves = lambda name: bool(asked.append(name))  # type: ignore[func-returns-value]
    both = repository.push(repository.settings("dev", retention="8d") | repository.settings("prod", retention="60w"))
    runs = repository.runner.run("deploy", both)
    assert runs["plan"].result == "success"
    assert asked == ["dev"], "prod does not wait for dev"
    assert runs["dev"].result == "failure"
    assert runs["protected"].result == "skipped"

    asked.clear()
    prod = repository.push(repository.settings("prod", retention="61w"))
    assert repository.runner.run("deploy", prod)["open"].result == "skipped"
    assert asked == ["prod"]
