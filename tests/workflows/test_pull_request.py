"""pull-request.yml: its own steps run in order, against the real engine and the local AWS."""

from __future__ import annotations

import re

import pytest

from tests.delivery.picture import CHANGE
from tests.live.leaks import leaks
from tests.workflows.conftest import Raised
from tests.workflows.repository import Repository

pytestmark = pytest.mark.slow

GREEN = {"checks": "success", "preview": "success", "comment": "success"}


def test_a_stack_that_does_not_exist_is_previewed_and_not_created(repository: Repository) -> None:
    event = repository.pull_request(repository.settings("dev", retention="14d"))
    runs = repository.runner.run("pull-request", event)
    assert runs.results == GREEN, runs.written[-4000:]
    assert "sudo --preserve-env=XDG_CACHE_HOME make check" in runs["checks"].log
    (said,) = repository.github.said(event.number)
    assert re.search(r"\*\*dev\*\*: does not exist yet: .*; about [0-9.]+ US dollars a month\.", said)
    assert "prod" not in said
    assert not list((repository.folder.parent / "backend").rglob("*dev*"))


def test_replacements_are_at_the_top_and_the_comment_is_updated(repository: Repository, dev_is_up: Raised) -> None:
    before = repository.settings("dev", **CHANGE)
    event = repository.pull_request(before)
    assert repository.runner.run("pull-request", event).results == GREEN
    (first,) = repository.github.said(event.number)
    top = first.partition("<details>")[0]
    assert "> - the server is replaced, because of instanceType: Grafana and InfluxDB are down" in top
    assert "> - the passwords grafana-admin, " in top
    assert "the data volume stays" in top
    assert re.search(r"; about [0-9.]+ US dollars a month instead of [0-9.]+ \(\+[0-9.]+\)\.", top)
    assert "retention" not in top
    repository.github.say(event.number, "<!-- monitoring: preview -->\nnot the robot's", {"login": "a-person"})
    again = repository.pull_request(repository.settings("dev", retention="14d"), number=event.number)
    runs = repository.runner.run("pull-request", again)
    assert runs.results == GREEN
    (second,) = repository.github.said(event.number)
    assert "nothing is replaced or deleted" in second
    assert leaks(dev_is_up.secrets, runs.written + first + second) == []


def test_a_preview_that_fails_says_why_in_the_comment_and_fails_the_job(
    repository: Repository, dev_is_up: Raised
) -> None:
    """The mistakes are a secret in plain text and a nonsensical value. Both are reported, without the secret."""
    plain = "written-in-plain-text"
    files = repository.settings("dev", retention="a while", influxdb={"url": "https://a.b", "password": plain})
    event = repository.pull_request(files)
    runs = repository.runner.run("pull-request", event)
    assert runs.results == {"checks": "success", "preview": "failure", "comment": "success"}
    (said,) = repository.github.said(event.number)
    assert said.splitlines()[1] == "## The preview of dev failed"
    assert 'monitoring:retention = "a while": is not a duration' in said
    assert "monitoring:influxdb.password = (secret): is not encrypted" in said
    assert "Traceback" not in said
    assert leaks(dev_is_up.secrets | {"plain": plain}, runs.written + said) == []


def test_a_fork_gets_checks_and_no_credentials(repository: Repository) -> None:
    asked: list[str] = []
    repository.runner.credentials = lambda role, *_: asked.append(role) or {}  # type: ignore[func-returns-value]
    event = repository.pull_request(repository.settings("dev", retention="14d"), fork=True)
    runs = repository.runner.run("pull-request", event)
    assert runs.results == {"checks": "success", "preview": "skipped", "comment": "skipped"}
    assert "make check" in runs["checks"].log
    assert "comes from a fork" in runs["checks"].summary
    assert asked == []
    assert repository.github.said(event.number) == []
    assert {level for granted in repository.github.tokens.values() for level in granted.values()} == {"read"}


def test_a_preview_without_credentials_is_reported(repository: Repository) -> None:
    """The comment says so when the repository's variables are not set, or the role does not trust it."""
    repository.runner.variables.pop("AWS_PREVIEW_ROLE")
    repository.runner.variables["PULUMI_BACKEND"] = "file:///nonexistent"
    event = repository.pull_request(repository.settings("dev", retention="14d"))
    runs = repository.runner.run("pull-request", event)
    assert runs["preview"].result == "failure"
    (said,) = repository.github.said(event.number)
    assert "The preview of dev failed" in said
    assert "/nonexistent" in said
