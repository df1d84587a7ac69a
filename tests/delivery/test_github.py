"""What is posted to GitHub, tested with a double that refuses what GitHub refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery import github, posts
from delivery.errors import DeliveryError
from delivery.github import LONGEST
from tests.workflows.github import ROBOT, GitHub, serving

MARK = "<!-- monitoring: preview -->"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with serving(GitHub()) as served:
        yield served


def client(hub: GitHub, **permissions: str) -> github.GitHub:
    names = {name.replace("_", "-"): level for name, level in permissions.items()}
    return github.GitHub(hub.url, hub.repository, hub.token(names))


def test_there_is_only_one_comment_wherever_it_is(hub: GitHub) -> None:
    """It can follow more comments than fit on a page, and other users' comments with the same mark."""
    number = hub.pull_request()
    for count in range(130):
        hub.say(number, f"{MARK}\nsomebody's {count}", {"login": "somebody", "type": "User"})
    mine = client(hub, pull_requests="write")
    first = mine.comment(number, MARK, "one")
    assert mine.comment(number, MARK, "two") == first
    assert hub.said(number) == [f"{MARK}\ntwo"]


def test_a_comment_that_is_too_long_is_cut_and_says_so(hub: GitHub) -> None:
    number = hub.pull_request()
    client(hub, pull_requests="write").comment(number, MARK, "x" * 2 * LONGEST)
    (said,) = hub.said(number)
    assert len(said) == LONGEST
    assert said.endswith("the run's summary has all of it)")


def test_what_github_refuses_is_one_sentence(hub: GitHub) -> None:
    number = hub.pull_request()
    with pytest.raises(DeliveryError, match=r"\(403\).*`permissions: pull-requests: write`"):
        client(hub, contents="read").comment(number, MARK, "x")
    with pytest.raises(DeliveryError, match=r"\(403\).*`permissions: pull-requests: write`"):
        client(hub, pull_requests="read").comment(number, MARK, "x")
    with pytest.raises(DeliveryError, match=r"\(404\).*no such pull request"):
        client(hub, pull_requests="write").comment(999, MARK, "x")
    with pytest.raises(DeliveryError, match=r"\(401\): Bad credentials"):
        github.GitHub(hub.url, hub.repository, "nobody's").comment(number, MARK, "x")
    with pytest.raises(DeliveryError, match="GitHub cannot be reached"):
        github.GitHub("http://127.0.0.1:1", hub.repository, "x").comment(number, MARK, "x")
    assert hub.comments == {}


def test_an_issue_is_opened_updated_and_closed(hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", hub.token({"issues": "write"}))
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", hub.repository)
    hub.open({"title": "x", "body": "<!-- monitoring: drift of dev -->"}, {"login": "somebody", "type": "User"})
    other = hub.open({"title": "prod", "body": "<!-- monitoring: drift of prod -->"}, ROBOT)
    (tmp_path / "dev.md").write_text("drifted")
    (opened,) = posts.drift(tmp_path, "the run")
    (tmp_path / "dev.md").write_text("drifted more")
    assert posts.drift(tmp_path, "the run") == [opened]
    assert [each["body"].splitlines()[1:] for each in hub.open_issues()][2] == ["drifted more"]
    (tmp_path / "dev.md").write_text("")
    assert posts.drift(tmp_path, "the run") == [opened]
    assert posts.drift(tmp_path, "the run") == []
    assert [each["title"] for each in hub.open_issues()] == ["x", other["title"]]


def test_without_a_token_the_step_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(DeliveryError, match="This step has no GITHUB_TOKEN"):
        posts.drift(tmp_path, "run")


def test_without_a_preview_the_comment_says_so(hub: GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    number = hub.pull_request()
    monkeypatch.setenv("GITHUB_TOKEN", hub.token({"pull-requests": "write"}))
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", hub.repository)
    posts.comment("preview", number, tmp_path / "comment.md", "https://github.com/run")
    (said,) = hub.said(number)
    assert said.startswith(f"{MARK}\n## There is no preview\n")
    assert said.endswith(": https://github.com/run")


def test_posting_to_github_needs_only_the_standard_library() -> None:
    """Its jobs install nothing, so that no third-party package runs with a token that may write."""
    checkout = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-S", "-m", "delivery.posts", "--help"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
