"""A double of GitHub's REST API: the endpoints that the workflows use, which refuse what GitHub refuses.

https://docs.github.com/en/rest/issues/comments and …/rest/issues/issues. Refusals: 401 without a known token, 403
"Resource not accessible by integration" without the permission, 404 for an unknown number, 422 for a body of more than
65,536 characters or none.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import serving as answering

LONGEST = 65_536
ROBOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class GitHub:
    """A repository's issues and pull requests. tokens: what each token may do."""

    repository: str = "acme/monitoring"
    url: str = ""
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    robot: dict[str, str] = field(default_factory=lambda: dict(ROBOT))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def token(self, permissions: dict[str, str]) -> str:
        """A job's token with these permissions."""
        made = f"ghs_{next(self._numbers):036d}"
        self.tokens[made] = permissions
        return made

    def pull_request(self, title: str = "A change") -> int:
        """Open a pull request; returns its number."""
        return int(
            self.open({"title": title, "body": ""}, {"login": "a-person", "type": "User"}, pull_request={})["number"]
        )

    def open(self, body: dict[str, Any], user: dict[str, str], **more: Any) -> dict[str, Any]:
        """Open an issue or, with `pull_request`, a pull request."""
        number = next(self._numbers)
        self.issues[number] = {
            "number": number,
            "state": "open",
            "user": user,
            "html_url": f"https://github.com/{self.repository}/issues/{number}",
            **body,
            **more,
        }
        return self.issues[number]

    def say(self, number: int, body: str, user: dict[str, str]) -> dict[str, Any]:
        """Comment on an issue or a pull request."""
        made = next(self._numbers)
        url = f"https://github.com/{self.repository}/issues/{number}#issuecomment-{made}"
        self.comments[made] = {"id": made, "issue": number, "body": body, "user": user, "html_url": url}
        return self.comments[made]

    def said(self, number: int) -> list[str]:
        """The robot's comments on an issue or a pull request."""
        return [each["body"] for each in self.comments.values() if each["issue"] == number and each["user"] == ROBOT]

    def open_issues(self) -> list[dict[str, Any]]:
        """Open issues, without pull requests."""
        return [each for each in self.issues.values() if each["state"] == "open" and "pull_request" not in each]

    # --- The API

    def answer(self, method: str, path: str, token: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        """The answer to a request: status and content."""
        if token not in self.tokens:
            return 401, {"message": "Bad credentials"}
        asked = urlsplit(path)
        prefix = f"/repos/{self.repository}/"
        if not asked.path.startswith(prefix):
            return 404, {"message": "Not Found"}
        rest = asked.path.removeprefix(prefix)
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        for pattern, allowed, act in ROUTES:
            if allowed == method and (match := re.fullmatch(pattern, rest)):
                status, content = act(self, token, query, body or {}, *map(int, match.groups()))
                return int(status), content
        return 404, {"message": "Not Found"}

    def may(self, token: str, number: int | None, level: str) -> bool:
        """Whether a token has the permission: `issues`, or for pull requests also `pull-requests`."""
        granted = self.tokens[token]
        names = ["issues"]
        if number is not None and "pull_request" in self.issues.get(number, {}):
            names.append("pull-requests")
        return any(granted.get(name) == "write" or (level == "read" and granted.get(name) == "read") for name in names)


FORBIDDEN = (403, {"message": "Resource not accessible by integration"})
NOT_FOUND = (404, {"message": "Not Found"})


def _invalid(body: dict[str, Any], *required: str) -> tuple[int, Any] | None:
    for name in required:
        if not body.get(name):
            return 422, {"message": "Validation Failed", "errors": [{"field": name, "code": "missing_field"}]}
    if len(body.get("body", "")) > LONGEST:
        return 422, {"message": "Validation Failed: Body is too long (maximum is 65536 characters)"}
    return None


def _page(found: list[dict[str, Any]], query: dict[str, str]) -> tuple[int, Any]:
    size, page = min(100, int(query.get("per_page", "30"))), int(query.get("page", "1"))
    return 200, found[(page - 1) * size : page * size]


def _list_comments(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any], number: int) -> Any:
    if number not in github.issues:
        return NOT_FOUND
    if not github.may(token, number, "read"):
        return FORBIDDEN
    return _page([each for each in github.comments.values() if each["issue"] == number], query)


def _comment(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any], number: int) -> Any:
    if number not in github.issues:
        return NOT_FOUND
    if not github.may(token, number, "write"):
        return FORBIDDEN
    return _invalid(body, "body") or (201, github.say(number, body["body"], ROBOT))


def _update_comment(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any], number: int) -> Any:
    if number not in github.comments:
        return NOT_FOUND
    if not github.may(token, github.comments[number]["issue"], "write"):
        return FORBIDDEN
    if wrong := _invalid(body, "body"):
        return wrong
    github.comments[number]["body"] = body["body"]
    return 200, github.comments[number]


def _list_issues(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if not github.may(token, None, "read"):
        return FORBIDDEN
    state = query.get("state", "open")
    return _page([each for each in github.issues.values() if state in ("all", each["state"])], query)


def _open(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if not github.may(token, None, "write"):
        return FORBIDDEN
    return _invalid(body, "title") or (201, github.open(body, ROBOT))


def _update(github: GitHub, token: str, query: dict[str, str], body: dict[str, Any], number: int) -> Any:
    if number not in github.issues:
        return NOT_FOUND
    if not github.may(token, number, "write"):
        return FORBIDDEN
    if wrong := _invalid(body):
        return wrong
    if body.get("state", "open") not in ("open", "closed"):
        return 422, {"message": "Validation Failed"}
    github.issues[number] |= body
    return 200, github.issues[number]


ROUTES: list[tuple[str, str, Any]] = [
    (r"issues/(\d+)/comments", "GET", _list_comments),
    (r"issues/(\d+)/comments", "POST", _comment),
    (r"issues/comments/(\d+)", "PATCH", _update_comment),
    (r"issues", "GET", _list_issues),
    (r"issues", "POST", _open),
    (r"issues/(\d+)", "PATCH", _update),
]


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    """Serve the API on a free port of the loopback; sets its `url`."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, content = github.answer(self.command, self.path, token, body)
            sent = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        yield github
