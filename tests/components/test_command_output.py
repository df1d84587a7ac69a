"""Commands on the operator's machine print no secret: Pulumi's state keeps their output in plain text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.conftest import PROJECT, SECRETS, Run, run_once
from tests.support.configuration import HOST

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="module")
def run() -> Run:
    return run_once({"hosts": [HOST]}, secret=("hosts",))


def commands(run: Run) -> Iterator[tuple[str, dict[str, str]]]:
    """Each command line and its environment, with addresses where nothing answers, and short timeouts."""
    for resource in run.resources:
        if resource.type == "command:local:Command":
            given = {name: str(value) for name, value in (resource.inputs.get("environment") or {}).items()}
            here = {name: "127.0.0.1" if "ADDRESS" in name else value for name, value in given.items()}
            here |= {name: "1" for name in here if name.endswith(("_TIMEOUT", "_PORT"))}
            for step in ("create", "update", "delete"):
                if resource.inputs.get(step):
                    yield resource.inputs[step], here


def printed(command: str, environment: dict[str, str]) -> str:
    surroundings = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **NOWHERE}
    done = subprocess.run(
        ["/bin/sh", "-xc", command],
        cwd=PROJECT,
        env=surroundings | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


def test_commands_get_secrets_and_print_none(run: Run) -> None:
    every = list(commands(run))
    assert any(SECRETS.search(value) for _, environment in every for value in environment.values())
    for command, environment in every:
        said = printed(command, environment)
        assert said
        assert not SECRETS.search(said), command


@pytest.mark.slow
def test_no_traceback_shows_a_secret(run: Run) -> None:
    """Each variable in turn is missing, then garbled."""
    for command, environment in commands(run):
        for name in environment:
            without = {key: value for key, value in environment.items() if key != name}
            for tried in (without, environment | {name: environment[name] + "\x01\n?"}):
                assert not SECRETS.search(printed(command, tried)), (command, name)
