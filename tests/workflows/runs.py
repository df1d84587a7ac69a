"""What starts a workflow run, where it runs, and its results."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.workflows.github import GitHub

Permissions = dict[str, str]


@dataclass
class Event:
    """What a workflow runs for. name: as in `on:`. payload: `github.event`. sha: the commit checked out by default."""

    name: str
    sha: str
    payload: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The number of the pull request that it is about."""
        return int(self.payload["pull_request"]["number"])

    @property
    def fork(self) -> bool:
        """Whether it is about a pull request from another repository."""
        head = (self.payload.get("pull_request") or {}).get("head", {}).get("repo", {}).get("full_name")
        return head is not None and head != self.payload["repository"]["full_name"]


@dataclass
class Job:
    """A job and its result: success, failure, skipped or cancelled."""

    name: str
    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    permissions: Permissions = field(default_factory=dict)
    environment: str = ""


@dataclass
class Runs:
    """The jobs and artifacts of a workflow run."""

    jobs: list[Job] = field(default_factory=list)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Job:
        (found,) = [job for job in self.jobs if job.name == name]
        return found

    @property
    def results(self) -> dict[str, str]:
        return {job.name: job.result for job in self.jobs}

    @property
    def written(self) -> str:
        """Everything that anyone with read access to the repository can see."""
        files = [content.decode() for files in self.artifacts.values() for content in files.values()]
        return "\n".join([*(job.log + job.summary for job in self.jobs), *files])


@dataclass(frozen=True)
class Within:
    """What all jobs of a workflow have in common. most: the permissions of the job that calls it; None without one."""

    event: Event
    runs: Runs
    inputs: Mapping[str, str]
    most: Permissions | None = None


@dataclass
class Surroundings:
    """Where workflows run. origin: the repository. machine: the machine's environment variables. variables: `vars`.

    credentials: returns a role's for a job in an environment ("" without one), or raises PermissionError.
    approves: whether somebody approves an environment. prefix: for the command that runs each step.
    """

    origin: Path
    scratch: Path
    machine: dict[str, str]
    github: GitHub
    variables: dict[str, str]
    credentials: Callable[[str, str, Event], dict[str, str]]
    approves: Callable[[str], bool] = lambda _: True
    prefix: tuple[str, ...] = ()
    groups: dict[str, threading.Lock] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
