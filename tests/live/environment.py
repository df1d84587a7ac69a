"""The environment that the live tests share: raised once, then used and changed as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import yaml

from sandbox import cloud, stack
from sandbox.errors import SandboxError
from sandbox.machines.register import find
from sandbox.place import Place
from sandbox.screen import Grafana

CHECKOUT = Path(__file__).resolve().parents[2]
PLACE = Place(CHECKOUT, "-".join(filter(None, ["test", os.environ.get("PYTEST_XDIST_WORKER")])))
"""Each of pytest's processes has its own environment, so that they can run at the same time."""
STACK = "sandbox"


def sandbox(*arguments: str, place: Place = PLACE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of the local environment's commands, as the Makefile does."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=place.checkout,
        env=os.environ | {"SANDBOX_NAME": place.name, "SANDBOX_STACK": STACK} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )


def report(command: str, done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command printed, for an assertion's message. Its first line, the only one in pytest's summary, is
    the error."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    error = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
    return f"{command}: {error}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"


@dataclass
class Environment:
    """A raised stack: its outputs, its Grafana, its AWS and the Pulumi CLI pointed at it."""

    name: str = STACK
    place: Place = PLACE
    printed: str = ""
    transcript: list[str] = field(default_factory=list)
    """Everything that commands printed, to be searched for secrets."""
    applied: list[Any] = field(default_factory=list)
    """`wanted` at the last `up`; empty if it failed or was limited to some resources."""
    checks: list[Callable[[], None]] = field(default_factory=list)
    """What to check after the next whole `up`."""

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return stack.outputs(self.place, self.name)

    @cached_property
    def grafana(self) -> Grafana:
        authority = self.place.state / f"test-ca-{self.name}.pem"
        authority.write_text(self.outputs["caCertificate"])
        return Grafana(
            self.outputs["grafanaUrl"],
            self.outputs["grafanaAdminUser"],
            self.outputs["grafanaAdminPassword"],
            authority,
        )

    def forget(self) -> None:
        """Discard the cached outputs and logins: the stack has changed them."""
        for name in ("outputs", "grafana"):
            self.__dict__.pop(name, None)

    @property
    def instance_id(self) -> str:
        return str(self.outputs["instanceId"])

    @property
    def address(self) -> str:
        """The host name or address in Grafana's URL."""
        return str(urlsplit(self.outputs["grafanaUrl"]).hostname)

    @property
    def parameters(self) -> str:
        """The folder of the stack's parameters, as AWS lists it."""
        pages = self.aws("ssm").get_paginator("describe_parameters").paginate()
        names = [str(each["Name"]) for page in pages for each in page["Parameters"]]
        (found,) = {
            name.rpartition("/")[0]
            for name in names
            if name.startswith(f"/monitoring/{self.name}.") and "/state/" not in name
        }
        return found

    @property
    def stack_file(self) -> Path:
        """The stack's configuration, as `pulumi config set` writes it."""
        return stack.project_folder(self.place) / f"Pulumi.{self.name}.yaml"

    @property
    def project_file(self) -> Path:
        return stack.project_folder(self.place) / "Pulumi.yaml"

    def configure(self, **changed: object) -> None:
        """Change settings for good, for what cannot be reverted, such as a larger volume."""
        content = yaml.safe_load(self.stack_file.read_text())
        content["config"] |= {
            key.replace("__", ":") if "__" in key else f"monitoring:{key}": value for key, value in changed.items()
        }
        self.stack_file.write_text(yaml.safe_dump(content))

    def setting(self, name: str) -> Any:
        """A setting's value in the stack's file."""
        return yaml.safe_load(self.stack_file.read_text())["config"][f"monitoring:{name}"]

    @contextmanager
    def settings(self, **changed: object) -> Iterator[None]:
        """Change settings (named without their namespace) within this context; the stack's file is restored
        afterwards."""
        before = self.stack_file.read_text()
        self.configure(**changed)
        try:
            yield
        finally:
            self.stack_file.write_text(before)

    def pulumi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI against this stack; what it prints is kept in `transcript`."""
        process = subprocess.run(
            ["pulumi", *arguments, "--stack", self.name],
            cwd=stack.project_folder(self.place),
            env=stack.environment(self.place) | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        self.transcript.append(process.stdout + process.stderr)
        if arguments[0] == "up":
            whole = process.returncode == 0 and "--target" not in arguments
            self.applied = self.wanted if whole else []
            if whole:
                checks, self.checks = self.checks, []
                for check in checks:
                    check()
        return process

    @property
    def wanted(self) -> list[Any]:
        """What a whole `up` applies: the stack's settings, and the project file, which names its program."""
        return [yaml.safe_load(file.read_text()) for file in (self.stack_file, self.project_file)]

    def settle(self) -> None:
        """Run `up`, unless the last one succeeded with these settings. So a test need not revert its settings: the
        next test does so, or combines that with its own first `up`."""
        if self.applied != self.wanted:
            done = self.pulumi("up", "--yes", "--skip-preview")
            self.forget()
            assert done.returncode == 0, report("up", done)

    def afterwards(self, check: Callable[[], None]) -> None:
        """Check after the next whole `up`, for example that nothing is left of a test's settings."""
        self.checks.append(check)

    def preview(self, *arguments: str) -> dict[str, list[str]]:
        """The changes that `pulumi preview` lists: operation → names of resources."""
        process = self.pulumi("preview", "--json", *arguments)
        assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
        changes: dict[str, list[str]] = {}
        for step in json.loads(process.stdout)["steps"]:
            if step["op"] not in ("same", "read"):
                changes.setdefault(step["op"], []).append(step["urn"].split("::")[-1])
        return changes

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's exported state (secrets encrypted)."""
        exported = json.loads(self.pulumi("stack", "export").stdout)
        return list(exported["deployment"].get("resources", []))

    def aws(self, service: str, account: str = cloud.ACCOUNT, region: str = "") -> Any:
        """A boto3 client with the rights of an administrator of the local AWS. region: by default the stack's."""
        settings = cloud.admin_credentials(self.place, account)
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.place.aws_url,
            region_name=region or self.region,
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )

    @cached_property
    def region(self) -> str:
        return str(yaml.safe_load(self.stack_file.read_text())["config"]["aws:region"])

    def guest(self, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the server, as root."""
        return self.machine(self.instance_id, *command, stdin=stdin)

    def machine(self, machine: str, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on any machine of the local environment, as root. If the machine is off or unknown, the
        command fails."""
        try:
            return find(self.place, machine).run(command, stdin or "", timeout=300)
        except SandboxError as error:
            return subprocess.CompletedProcess(command, 1, "", str(error))

    def machine_command(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `python -m sandbox.machines`, such as `cut-network db-1`."""
        return subprocess.run(
            [sys.executable, "-m", "sandbox.machines", *command],
            cwd=self.place.checkout,
            env=os.environ | {"SANDBOX_NAME": self.place.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
