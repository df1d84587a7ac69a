"""Runs the steps of a job: its own `run:` steps with bash, and stand-ins for the actions that need GitHub."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from tests.workflows import expressions
from tests.workflows.runs import Job, Surroundings, Within

INPUTS = {
    "actions/checkout": {"ref", "fetch-depth", "persist-credentials"},
    "actions/setup-python": {"python-version", "cache", "cache-dependency-path"},
    "actions/cache": {"path", "key"},
    "actions/upload-artifact": {"name", "path", "retention-days"},
    "actions/download-artifact": {"name", "path"},
    "aws-actions/configure-aws-credentials": {"role-to-assume", "aws-region"},
    "pulumi/actions": {"pulumi-version"},
}
"""Actions with a stand-in, and the inputs that it knows."""


class Steps:
    """The steps of one job, on its own machine."""

    def __init__(
        self, around: Surroundings, job: Job, within: Within, contexts: dict[str, Any], source: Mapping[str, Any]
    ) -> None:
        self.around, self.job, self.source = around, job, source
        self.event, self.runs = within.event, within.runs
        self.home = around.scratch / f"job-{next(around.numbers)}"
        self.workspace = self.home / "work"
        self.workspace.mkdir(parents=True)
        self.token = around.github.token(job.permissions)
        contexts["github"] = contexts["github"] | {"token": self.token}
        contexts["runner"] = {"temp": str(self.home), "os": "Linux", "arch": "X64"}
        self.steps: dict[str, dict[str, Any]] = {}
        self.contexts = contexts | {"steps": self.steps}
        self.exported: dict[str, str] = {}
        self.ok = True
        self.functions: dict[str, Callable[..., Any]] = {
            "success": lambda: self.ok,
            "failure": lambda: not self.ok,
            "cancelled": lambda: False,
            "always": lambda: True,
            "hashFiles": lambda *_: "0" * 64,
        }

    def all(self) -> None:
        self._each(self.source["steps"], self._filled(self.source.get("env", {}), self.contexts), self.contexts)
        self.job.result = "success" if self.ok else "failure"
        self.job.outputs = self._filled(self.source.get("outputs", {}), self.contexts)
        shutil.rmtree(self.home)

    def _each(self, steps: list[dict[str, Any]], env: Mapping[str, str], contexts: Mapping[str, Any]) -> None:
        for step in steps:
            if not expressions.holds(step.get("if"), contexts, self.functions):
                continue
            own = dict(env) | self._filled(step.get("env", {}), contexts)
            done = self._command(step, own) if "run" in step else self._action(step, own, contexts)
            self.ok = self.ok and (done or bool(step.get("continue-on-error")))

    def _filled(self, given: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: expressions.text(expressions.filled(each, contexts, self.functions)) for key, each in given.items()
        }

    def _command(self, step: Mapping[str, Any], env: dict[str, str]) -> bool:
        assert "${{" not in step["run"], "an expression would insert what others write into a script"
        files = {name: self.home / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
        script = self.home / "script.sh"
        script.write_text(step["run"])
        shell = ["--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
        done = subprocess.run(
            [*self.around.prefix, "bash", *shell, str(script)],
            cwd=self.workspace,
            env=self.around.machine
            | {"GITHUB_API_URL": self.around.github.url, "GITHUB_REPOSITORY": self.around.github.repository}
            | {"GITHUB_ACTIONS": "true", "CI": "true", "HOME": str(self.home)}
            | {name: str(file) for name, file in files.items()}
            | self.exported
            | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=1200,
        )
        self.job.log += done.stdout
        self.job.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        if "id" in step:
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.steps[step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
        return done.returncode == 0

    def _action(self, step: Mapping[str, Any], env: dict[str, str], contexts: Mapping[str, Any]) -> bool:
        given = self._filled(step.get("with", {}), contexts)
        if (local := step["uses"]).startswith("./"):
            return self._composite(local, given, env)
        action, _, pinned = step["uses"].partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", pinned), f"{action} is not pinned by commit"
        assert set(given) <= INPUTS[action], f"{action}: {set(given) - INPUTS[action]} has no stand-in"
        act = {
            "actions/checkout": self._checkout,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
            "aws-actions/configure-aws-credentials": self._credentials,
        }.get(action, lambda _: True)
        return bool(act(given))

    def _composite(self, path: str, given: Mapping[str, str], env: Mapping[str, str]) -> bool:
        source = yaml.safe_load((self.workspace / path / "action.yml").read_text())
        assert set(given) <= set(source["inputs"]), given
        inputs = {name: str(details.get("default", "")) for name, details in source["inputs"].items()} | dict(given)
        before, self.ok = self.ok, True
        contexts = {key: self.contexts[key] for key in ("github", "runner", "steps")} | {"inputs": inputs}
        self._each(source["runs"]["steps"], env, contexts)
        worked, self.ok = self.ok, before
        return worked

    def _checkout(self, given: Mapping[str, str]) -> bool:
        assert self.job.permissions.get("contents") == "read", "the repository cannot be read"
        assert given.get("persist-credentials") == "false", "the token would stay in the workspace"
        depth = given.get("fetch-depth", "1")
        git = ["git", "-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false"]
        only = [] if depth == "0" else ["--depth", depth]
        wanted = given.get("ref") or self.event.sha
        for command in (
            ["init", "--quiet"],
            ["remote", "add", "origin", self.origin_url],
            ["fetch", "--quiet", *only, "origin", wanted, *([] if only else ["+refs/*:refs/remotes/origin/*"])],
            ["checkout", "--quiet", wanted],
        ):
            subprocess.run([*git, *command], cwd=self.workspace, check=True, capture_output=True)
        return True

    @property
    def origin_url(self) -> str:
        return f"file://{self.around.origin}"

    def _credentials(self, given: Mapping[str, str]) -> bool:
        if self.job.permissions.get("id-token") != "write" or not given["aws-region"]:
            self.job.log += "Error: Credentials could not be loaded\n"
            return False
        try:
            found = self.around.credentials(given["role-to-assume"], self.job.environment, self.event)
        except PermissionError as error:
            self.job.log += f"Error: {error}\n"
            return False
        self.exported |= found | {"AWS_REGION": given["aws-region"]}
        return True

    def _upload(self, given: Mapping[str, str]) -> bool:
        folder = self.workspace / given["path"]
        files = {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
        if files:
            self.runs.artifacts[given["name"]] = files
        return True

    def _download(self, given: Mapping[str, str]) -> bool:
        if given["name"] not in self.runs.artifacts:
            self.job.log += "Error: Artifact not found\n"
            return False
        for name, content in self.runs.artifacts[given["name"]].items():
            target = self.workspace / given["path"] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return True
