"""The few calls to GitHub's REST API that the workflows need: one comment, one issue, each found again by a mark.

https://docs.github.com/en/rest/issues/comments and …/rest/issues/issues. A pull request is an issue there, too.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from delivery.errors import DeliveryError

LONGEST = 65_536
"""Characters: GitHub's limit for the text of a comment or an issue."""

AUTHOR = "github-actions[bot]"
"""The author of everything written with a job's GITHUB_TOKEN. A comment with our mark by anyone else is not ours."""

PAGE = 100
SECONDS = 30


@dataclass(frozen=True)
class GitHub:
    """api: the API's address. repository: OWNER/NAME. token: the job's."""

    api: str
    repository: str
    token: str

    @classmethod
    def from_environment(cls) -> GitHub:
        """From the variables that GitHub sets for a job. Raises DeliveryError when the step has no token."""
        token = os.environ.get("GITHUB_TOKEN", "")
        if not token:
            raise DeliveryError("This step has no GITHUB_TOKEN: give it `env: GITHUB_TOKEN: ${{ github.token }}`.")
        api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
        return cls(api, os.environ["GITHUB_REPOSITORY"], token)

    def comment(self, number: int, mark: str, text: str) -> str:
        """Write the one comment with this mark on a pull request, or replace its text. Returns its address."""
        body = {"body": fitting(f"{mark}\n{text}")}
        mine = next(self._marked(f"issues/{number}/comments?", mark), None)
        if mine:
            return str(self._call("PATCH", f"issues/comments/{mine['id']}", body)["html_url"])
        return str(self._call("POST", f"issues/{number}/comments", body)["html_url"])

    def issue(self, mark: str, title: str, text: str) -> str:
        """Open the issue with this mark, or update the open one. Returns its address."""
        body = {"title": title, "body": fitting(f"{mark}\n{text}")}
        mine = next(self._marked("issues?state=open&", mark), None)
        if mine:
            return str(self._call("PATCH", f"issues/{mine['number']}", body)["html_url"])
        return str(self._call("POST", "issues", body)["html_url"])

    def close(self, mark: str, text: str) -> list[str]:
        """Close every open issue with this mark, saying why. Returns their addresses."""
        closed = []
        for mine in list(self._marked("issues?state=open&", mark)):
            self._call("POST", f"issues/{mine['number']}/comments", {"body": text})
            done = self._call("PATCH", f"issues/{mine['number']}", {"state": "closed", "state_reason": "completed"})
            closed.append(str(done["html_url"]))
        return closed

    def _marked(self, path: str, mark: str) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            found = self._call("GET", f"{path}per_page={PAGE}&page={page}")
            for each in found:
                ours = (each.get("user") or {}).get("login") == AUTHOR and "pull_request" not in each
                if ours and str(each.get("body") or "").startswith(mark):
                    yield each
            if len(found) < PAGE:
                return
            page += 1

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 (the API's address, from GitHub itself)
            f"{self.api}/repos/{self.repository}/{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "Content-Type": "application/json",
                "User-Agent": "monitoring-delivery",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise DeliveryError(_refused(method, path, error)) from None
        except OSError as error:
            raise DeliveryError(f"GitHub cannot be reached at {self.api}: {getattr(error, 'reason', error)}") from None


def _refused(method: str, path: str, error: urllib.error.HTTPError) -> str:
    try:
        said = str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        said = str(error.reason)
    hint = ""
    if error.code == 403:
        hint = " The job needs `permissions: pull-requests: write` for comments, `issues: write` for issues."
    elif error.code == 404:
        hint = " There is no such pull request or issue, or the job's token may not see it."
    return f"GitHub refuses {method} {path.partition('?')[0]} ({error.code}): {said}.{hint}"


def fitting(text: str) -> str:
    """The text, truncated to what GitHub accepts."""
    note = "\n\n… (the rest is left out: a comment has at most 65,536 characters; the run's summary has all of it)"
    return text if len(text) <= LONGEST else text[: LONGEST - len(note)] + note
