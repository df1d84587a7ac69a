"""Runs the workflows as GitHub does: their own `run:` steps in order, with their conditions, inputs and permissions.

Only what needs GitHub is replaced: actions/checkout (by a clone with the requested depth), the set-up of Python and
Pulumi (the machine has both), caches (always empty), artifacts (kept in memory), and the exchange of a job's identity
for a role's credentials, which is refused when AWS would refuse it.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import yaml

from tests.workflows import expressions
from tests.workflows.runs import Event, Job, Permissions, Runs, Surroundings, Within
from tests.workflows.steps import Steps


class Runner(Surroundings):
    """Runs workflows in these surroundings."""

    def run(self, workflow: str, event: Event) -> Runs:
        """Run a workflow of the event's commit; it must listen to such events."""
        source = self._file(event.sha, f".github/workflows/{workflow}.yml")
        assert event.name in source[True], f"{workflow} does not listen to {event.name}"
        runs = Runs()
        with self._alone(source.get("concurrency"), self._contexts(event)):
            self._jobs(source, Within(event, runs, event.inputs))
        return runs

    def _file(self, sha: str, path: str) -> dict[Any, Any]:
        shown = subprocess.run(["git", "show", f"{sha}:{path}"], cwd=self.origin, capture_output=True, check=True)
        return dict(yaml.safe_load(shown.stdout))

    def _contexts(self, event: Event, **more: Any) -> dict[str, Any]:
        github = {
            "event": event.payload,
            "event_name": event.name,
            "repository": self.github.repository,
            "sha": event.sha,
            "server_url": "https://github.com",
            "run_id": "4711",
        }
        return {"github": github, "vars": self.variables, "inputs": event.inputs, **more}

    @contextmanager
    def _alone(self, concurrency: Mapping[str, Any] | None, contexts: Mapping[str, Any]) -> Iterator[None]:
        """Wait until no other run of the concurrency group is in progress; cancelling is not simulated."""
        if not concurrency:
            yield
            return
        group = expressions.filled(concurrency["group"], contexts, {})
        with self.groups.setdefault(group, threading.Lock()):
            yield

    def _jobs(self, source: Mapping[Any, Any], within: Within) -> str:
        """Run the jobs, each after those it needs; returns success or failure."""
        results: dict[str, str] = {}
        outputs: dict[str, dict[str, str]] = {}
        for name, job in source["jobs"].items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            assert set(needs) <= set(results), f"{name} comes before what it needs"
            contexts = self._contexts(within.event) | {
                "inputs": within.inputs,
                "needs": {each: {"result": results[each], "outputs": outputs[each]} for each in needs},
            }
            ready = all(results[each] == "success" for each in needs)
            functions = {"success": _constant(ready), "cancelled": _constant(False), "always": _constant(True)}
            if not expressions.holds(job.get("if"), contexts, functions):
                results[name], outputs[name] = "skipped", {}
                within.runs.jobs.append(Job(name, "skipped"))
                continue
            ended = [self._job(name, job, contexts | {"matrix": matrix}, within) for matrix in _matrix(job, contexts)]
            results[name] = "success" if all(each.result == "success" for each in ended) else "failure"
            outputs[name] = ended[-1].outputs
        return "failure" if "failure" in results.values() else "success"

    def _job(self, name: str, job: Mapping[str, Any], contexts: Mapping[str, Any], within: Within) -> Job:
        event, runs = within.event, within.runs
        assert "permissions" in job, f"{name} has no permissions of its own"
        permissions = _granted(job["permissions"], event, within.most)
        if called := job.get("uses"):
            inputs = {key: expressions.filled(each, contexts, {}) for key, each in job.get("with", {}).items()}
            path = called.removeprefix("./")
            return Job(name, self._jobs(self._file(event.sha, path), Within(event, runs, inputs, permissions)))
        environment = str(expressions.filled(job.get("environment", ""), contexts, {}))
        made = Job(
            str(expressions.filled(job["name"], contexts, {})) if within.most else name,
            "success",
            permissions=permissions,
            environment=environment,
        )
        assert job.get("timeout-minutes"), f"{name} can hang for six hours"
        runs.jobs.append(made)
        if environment and not self.approves(environment):
            made.result = "failure"
            return made
        with self._alone(job.get("concurrency"), contexts) if job.get("concurrency") else nullcontext():
            Steps(self, made, within, dict(contexts), job).all()
        return made


def _constant(value: bool) -> Callable[[], bool]:
    return lambda: value


def _matrix(job: Mapping[str, Any], contexts: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = (job.get("strategy") or {}).get("matrix") or {}
    lists = {key: expressions.filled(each, contexts, {}) for key, each in given.items()}
    assert all(lists.values()), "GitHub fails a job whose matrix is empty"
    return [dict(zip(lists, each, strict=True)) for each in itertools.product(*lists.values())]


def _granted(wanted: Permissions, event: Event, most: Permissions | None) -> Permissions:
    """A job's permissions. A fork's job may only read and has no identity; a called workflow has no more than its
    caller."""
    if most is not None:
        assert all(most.get(name) in (level, "write") for name, level in wanted.items()), "more than the caller has"
    if not event.fork:
        return dict(wanted)
    return {name: "read" for name in wanted if name != "id-token"}


def machine(*folders: Path, **variables: str) -> dict[str, str]:
    """The environment variables of a new machine with the programs in `folders`, and without credentials."""
    path = os.pathsep.join([*map(str, folders), "/usr/local/bin", "/usr/bin", "/bin"])
    return {"PATH": path, "LANG": "C.UTF-8", **variables}
