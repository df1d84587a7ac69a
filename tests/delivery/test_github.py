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


@pytest.fixture
def job(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables of a job whose token may write issues and comments."""
    monkeypatch.setenv("GITHUB_TOKEN", hub.token({"issues": "write", "pull-requests": "write"}))
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", hub.repository)


@pytest.mark.usefixtures("job")
def test_an_issue_is_opened_updated_and_closed(hub: GitHub, tmp_path: Path) -> None:
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


@pytest.mark.usefixtures("job")
def test_a_job_s_own_server_is_asked(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert github.GitHub.from_environment().api == hub.url
    monkeypatch.delenv("GITHUB_API_URL")
    assert github.GitHub.from_environment().api == "https://api.github.com"


def test_without_a_token_the_step_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(DeliveryError, match="This step has no GITHUB_TOKEN"):
        posts.drift(tmp_path, "run")


@pytest.mark.usefixtures("job")
def test_an_issue_is_found_after_a_page_of_others(hub: GitHub) -> None:
    for number in range(github.PAGE + 1):
        hub.open({"title": str(number), "body": "somebody's"}, {"login": "somebody", "type": "User"})
    mine = github.GitHub.from_environment()
    first = mine.issue(MARK, "drift", "one")
    assert mine.issue(MARK, "drift again", "two") == first
    assert hub.open_issues()[-1]["title"] == "drift again"
    assert len(hub.open_issues()) == github.PAGE + 2
    assert mine.close(MARK, "gone") == [first]


def test_a_pull_request_of_the_robot_is_not_an_issue_about_drift(hub: GitHub) -> None:
    hub.open({"title": "Bump", "body": MARK}, ROBOT, pull_request={})
    mine = client(hub, issues="write")
    assert mine.close(MARK, "gone") == []
    mine.issue(MARK, "drift", "one")
    assert [each["title"] for each in hub.open_issues()] == ["drift"]


@pytest.mark.usefixtures("job")
def test_a_closed_issue_says_why(hub: GitHub, tmp_path: Path) -> None:
    client(hub, issues="write").issue("<!-- monitoring: drift of dev -->", "dev", "drifted")
    (tmp_path / "dev.md").write_text("")
    posts.drift(tmp_path, "https://github.com/run")
    (issue,) = hub.issues.values()
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert hub.said(issue["number"]) == ["There is no more drift: https://github.com/run"]


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("kind", posts.MARKS)
def test_the_command_writes_a_comment_and_prints_its_address(
    hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Comments of one kind do not overwrite those of another."""
    number, file = hub.pull_request(), tmp_path / "comment.md"
    other = next(each for each in posts.MARKS if each != kind)
    for name, text in ((other, "other"), (kind, "first"), (kind, "second")):
        file.write_text(text)
        assert posts.main([name, "--number", str(number), "--run", "the run", str(file)]) == 0
    assert hub.said(number) == [f"{posts.MARKS[other]}\nother", f"{posts.MARKS[kind]}\nsecond"]
    first, *own = capsys.readouterr().out.splitlines()
    assert own == [hub.comments[max(hub.comments)]["html_url"]] * 2
    assert first not in own


@pytest.mark.usefixtures("job")
def test_the_command_opens_issues_and_prints_their_addresses(
    hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stack in ("dev", "prod"):
        (tmp_path / f"{stack}.md").write_text(f"drift of {stack}")
    assert posts.main(["drift", "--run", "the run", str(tmp_path)]) == 0
    opened = hub.open_issues()
    assert [each["title"] for each in opened] == [
        f"{stack} has drifted from Pulumi's state" for stack in ("dev", "prod")
    ]
    assert capsys.readouterr().out.splitlines() == [each["html_url"] for each in opened]


@pytest.mark.usefixtures("job")
def test_the_command_fails_when_github_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert posts.main(["preview", "--number", "999", "--run", "the run", str(tmp_path / "comment.md")]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("GitHub refuses GET issues/999/comments (404): Not Found.")
    assert printed.out == ""


@pytest.mark.usefixtures("job")
def test_without_a_preview_the_comment_says_so(hub: GitHub, tmp_path: Path) -> None:
    number = hub.pull_request()
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
