"""pull-request.yml: its own steps run in order, against the real engine and the local AWS."""

from __future__ import annotations

import pytest

from tests.live.leaks import leaks
from tests.workflows.conftest import Raised, Repository
from tests.workflows.runs import Event

pytestmark = pytest.mark.slow

GREEN = {"checks": "success", "preview": "success", "comment": "success"}


def number(event: Event) -> int:
    """Of the pull request that an event is about."""
    return int(event.payload["pull_request"]["number"])


def test_a_stack_that_does_not_exist_yet_is_previewed_and_not_made(repository: Repository) -> None:
    event = repository.pull_request(repository.settings("dev", retention="14d"))
    runs = repository.runner.run("pull-request", event)
    assert runs.results == GREEN, runs.written[-4000:]
    assert "sudo --preserve-env=XDG_CACHE_HOME make check" in runs["checks"].log
    (said,) = repository.github.said(number(event))
    assert "**dev**: does not exist yet: " in said
    assert "prod" not in said
    assert not list((repository.folder.parent / "backend").rglob("*dev*"))


def test_what_is_replaced_is_on_top_and_the_comment_is_brought_up_to_date(
    repository: Repository, dev_is_up: Raised
) -> None:
    before = repository.settings("dev", instanceType="t3.small", retention="14d", passwordGeneration=2)
    event = repository.pull_request(before)
    assert repository.runner.run("pull-request", event).results == GREEN
    (first,) = repository.github.said(number(event))
    top = first.partition("<details>")[0]
    assert "> - the server is replaced by server-amd64: Grafana and InfluxDB are away" in top
    assert "> - the passwords grafana-admin, " in top
    assert "the data volume stays" in top
    assert "retention" not in top
    repository.github.say(number(event), "<!-- monitoring: preview -->\nnot the robot's", {"login": "a-person"})
    again = repository.pull_request(repository.settings("dev", retention="14d"), number=number(event))
    runs = repository.runner.run("pull-request", again)
    assert runs.results == GREEN
    (second,) = repository.github.said(number(event))
    assert "nothing is replaced or deleted" in second
    assert leaks(dev_is_up.secrets, runs.written + first + second) == []
