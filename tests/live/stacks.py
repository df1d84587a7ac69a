"""Running `pulumi up`, reading a server's console, and a second stack next to the shared one for tests that need a
first boot or a destroy of their own."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox import stack
from tests.live.environment import PLACE, Environment

BOOT_FAILED = re.compile(r"monitoring: (boot failed at line \d+ of .*)")


@contextmanager
def stack_named(name: str, **settings: object) -> Iterator[Environment]:
    """A second stack in the same local AWS, not yet up; destroyed afterwards, whatever state it is in."""
    stack.prepare(PLACE, name)
    made = Environment(name=name)
    made.configure(**settings)
    try:
        yield made
    finally:
        if made.resources():
            made.pulumi("cancel", "--yes")
            made.pulumi("destroy", "--yes", "--skip-preview")
        made.pulumi("stack", "rm", "--yes", "--force")


def up(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `pulumi up`, which may fail, and print how long it took."""
    began = time.monotonic()
    process = environment.pulumi("up", "--yes", "--skip-preview", *arguments)
    environment.forget()
    print(f"up {environment.name}: status {process.returncode} after {time.monotonic() - began:.0f} s")
    return process


def up_or_fail(environment: Environment, *arguments: str) -> str:
    """Run a `pulumi up` that must succeed; returns what it printed."""
    done = up(environment, *arguments)
    assert done.returncode == 0, tail(done)
    return done.stdout


def refresh_or_fail(environment: Environment, *arguments: str) -> str:
    """Run a `pulumi refresh` that must succeed; returns what it printed."""
    done = environment.pulumi("refresh", "--yes", "--skip-preview", *arguments)
    assert done.returncode == 0, tail(done)
    return done.stdout


def destroy_or_fail(environment: Environment) -> None:
    """Run a `pulumi destroy` that must succeed and leave no resources in the state."""
    done = environment.pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, tail(done)
    assert environment.resources() == []


def diagnosed_errors(printed: str) -> list[str]:
    """The errors in the CLI's diagnostics, without the one that only says that the command failed."""
    diagnostics = printed.partition("Diagnostics:")[2]
    lines = [line.strip() for line in diagnostics.splitlines() if "error:" in line]
    return [line for line in lines if "update failed" not in line and "refresh failed" not in line]


def tail(process: subprocess.CompletedProcess[str]) -> str:
    """The end of what the CLI printed, for an assertion's message."""
    return process.stdout[-4000:] + process.stderr[-2000:]


def instance(environment: Environment) -> str:
    """The id of the stack's server, even before the stack has outputs."""
    (found,) = [each["id"] for each in environment.resources() if each["type"] == "aws:ec2/instance:Instance"]
    return str(found)


def console(environment: Environment) -> str:
    """The server's console output so far."""
    output = environment.aws("ec2").get_console_output(InstanceId=instance(environment), Latest=True)
    return str(output.get("Output", ""))


def failures(environment: Environment) -> list[str]:
    """The boot script's failures on the console, oldest first."""
    return [line.strip() for line in BOOT_FAILED.findall(console(environment))]
