"""The agents of `hosts`: what runs on a host, and that no secret is visible there."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.agent import INSTALL, REMOVE, SSH_ANSWERS, Places
from program.ssh_answers import SilentError
from tests.components.conftest import ADDRESS, Run, run_program
from tests.support.certificates import KEY
from tests.support.configuration import HOST

HOSTS = [
    HOST | {"name": "db-1", "privateKey": KEY, "tags": {"role": "database"}},
    HOST
    | {
        "name": "web-1",
        "address": "198.51.100.8",
        "inputs": {"redis": {"password": "password-of-redis"}, "ping": {"targets": ["::1"]}},
    },
    HOST | {"name": "old-1", "privateKey": KEY, "unreachable": True},
]


@pytest.fixture(scope="module")
def run() -> Run:
    return run_program({"hosts": HOSTS}, secret=("hosts",))


def remote(run: Run, name: str) -> dict[str, Any]:
    """The inputs of a host's command."""
    (found,) = [r for r in run.all("Command") if r.name == name and r.type == "command:remote:Command"]
    return found.inputs


def test_each_host_has_a_component_and_two_commands(run: Run) -> None:
    # Sorted, because requests to the engine run concurrently.
    assert sorted(r.name for r in run.all("Agent")) == ["db-1", "old-1", "web-1"]
    for kind in ("remote", "local"):
        found = {r.name for r in run.resources if r.type == f"command:{kind}:Command"}
        assert found - {"ready", "answers"} == {"db-1", "web-1", "old-1"}, kind


def test_each_host_is_verified_by_its_key(run: Run) -> None:
    for name, address in {"db-1": "198.51.100.7", "web-1": "198.51.100.8"}.items():
        connection = remote(run, name)["connection"]
        assert connection["hostKey"] == HOST["hostKey"]
        assert (connection["host"], connection["port"], connection["user"]) == (address, 22, "admin")


def test_without_a_private_key_the_ssh_agent_s_is_used(run: Run) -> None:
    assert remote(run, "db-1")["connection"]["privateKey"] == KEY
    assert "privateKey" not in remote(run, "web-1")["connection"]


def test_every_host_runs_the_same_command_which_holds_no_value(run: Run) -> None:
    for name in ("db-1", "web-1"):
        assert (remote(run, name)["create"], remote(run, name)["delete"]) == (INSTALL, REMOVE)
        assert "update" not in remote(run, name), "create is also the update"
        assert "environment" not in remote(run, name), "sshd does not accept variables by default"


@pytest.mark.parametrize("user", ["root", "admin"])
@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "ksh", "fish", "tcsh", "csh", "rbash"])
def test_every_login_shell_runs_the_command(tmp_path: Path, shell: str, user: str) -> None:
    """sshd runs `SHELL -c COMMAND`. The shell may read its own start-up file first, which may print something."""
    if not (path := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / ".config" / "fish").mkdir(parents=True)
    for name in (".bashrc", ".zshenv", ".cshrc", ".tcshrc", ".config/fish/config.fish"):
        (tmp_path / name).write_text("echo welcome\n")
    programs = {
        "id": f"echo {0 if user == 'root' else 1000}",
        "sudo": 'echo "sudo $1"; shift; exec "$@"',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    for command, argument in ((INSTALL, ""), (REMOVE, "remove")):
        done = subprocess.run(
            [path, "-c", command],
            input='echo "it ran: ${1:-} $((1 + 1))"',
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), shell
        printed = [line for line in done.stdout.splitlines() if line != "welcome"]
        assert printed == [*(["sudo -n"] if user == "admin" else []), f"it ran: {argument} 2"]


def test_no_change_replaces_the_command(run: Run) -> None:
    for name in ("db-1", "web-1", "old-1"):
        assert "triggers" not in remote(run, name)


def test_what_a_command_prints_is_neither_shown_nor_passed_on(run: Run) -> None:
    for name in ("db-1", "web-1", "old-1"):
        assert remote(run, name)["logging"] == "none"
        assert remote(run, name)["addPreviousOutputInEnv"] is False


def test_secrets_are_passed_on_standard_input_alone_and_are_marked(run: Run) -> None:
    commands = [resource for resource in run.all("Command") if resource.type == "command:remote:Command"]
    assert len(commands) == 3
    for command in commands:
        assert "stdin" in command.secret
        assert "INFLUX_PASSWORD='password-of-influxdb-telegraf'" in command.inputs["stdin"]
        others = {key: value for key, value in command.inputs.items() if key != "stdin"}
        assert "password-of" not in json.dumps(others)
    assert remote(run, "web-1")["stdin"].count("password-of-redis") == 1


def test_the_private_key_is_marked_as_a_secret(run: Run) -> None:
    (command,) = [r for r in run.all("Command") if r.name == "db-1" and r.type == "command:remote:Command"]
    assert "connection" in command.secret


def test_each_host_has_its_own_name_tags_and_inputs(run: Run) -> None:
    database, web = remote(run, "db-1")["stdin"], remote(run, "web-1")["stdin"]
    assert 'hostname = "db-1"' in database
    assert 'role = "database"' in database
    assert "[[inputs.redis]]" not in database
    assert "[[inputs.redis]]" in web
    assert "AmbientCapabilities=CAP_NET_RAW" in web


def before_removal(run: Run, name: str) -> dict[str, Any]:
    """The inputs of the command that checks whether a host answers."""
    (found,) = [r for r in run.all("Command") if r.name == name and r.type == "command:local:Command"]
    return found.inputs


def test_a_removal_first_checks_that_an_ssh_server_answers(run: Run) -> None:
    inputs = before_removal(run, "web-1")
    assert inputs["delete"] == SSH_ANSWERS
    assert inputs["environment"] == {"HOST_NAME": "web-1", "HOST_ADDRESS": "198.51.100.8", "HOST_PORT": "22"}
    assert not {"create", "update", "stdin"} & set(inputs)


def test_an_installation_waits_for_the_server_and_checks_ssh_first(run: Run) -> None:
    for name in ("db-1", "web-1"):
        options = run.options["command:remote:Command", name]
        assert options.hooks == {("before_create", "ssh-answers"), ("before_update", "ssh-answers")}
        assert ("command:local:Command", "ready") in options.after
    assert run.options["command:remote:Command", "old-1"].hooks == frozenset()


def test_an_unreachable_host_s_commands_are_empty(run: Run) -> None:
    for inputs in (remote(run, "old-1"), before_removal(run, "old-1")):
        assert {"create", "update", "delete"} & set(inputs) == set()


def test_the_output_is_the_installer_that_hosts_run(run: Run) -> None:
    assert run.secrets["agentInstallScript"] is True
    generic = run.outputs["agentInstallScript"]
    own = remote(run, "db-1")["stdin"]
    specific = ("hostname = ", "name=${", 'role = "', "[global_tags]", "  for line in")
    common = [line for line in own.splitlines() if not line.startswith(specific)]
    assert len(common) > 200
    assert set(common) <= set(generic.splitlines())


def test_the_ansible_role_has_that_installer_without_the_password(run: Run) -> None:
    packed = gzip.decompress(base64.b64decode(run.outputs["agentAnsibleRole"]))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        role = archive.extractfile("monitoring_agent/files/install.sh")
        assert role
        script = role.read().decode()
    (password,) = re.fullmatch(r"INFLUX_PASSWORD='(.+)'\n", run.outputs["agentCredentials"]).groups()  # type: ignore[union-attr]
    assert password in run.outputs["agentInstallScript"]
    assert password not in packed.decode()
    assert f'urls = ["https://{ADDRESS}:8086"]' in script


def test_a_host_waits_for_a_place_and_gives_back_only_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[tuple[str, str, int]] = []

    async def must_answer(*host: Any) -> None:
        connected.append(host)
        if host[0] == "dead":
            raise SilentError

    async def everything_that_can_happen() -> list[str]:
        for _ in range(5):
            await asyncio.sleep(0)
        return [name for name, *_ in connected]

    async def scenario() -> None:
        hosts: list[Any] = [
            SimpleNamespace(name=each, address=f"{each}.b", port=22) for each in ("dead", "a", "b", "c")
        ]
        places = Places(hosts, 2)
        changes: list[Any] = [SimpleNamespace(name=host.name) for host in hosts]
        asked = [asyncio.ensure_future(places.take(each)) for each in changes]
        assert await everything_that_can_happen() == ["dead", "a"]
        assert isinstance(asked[0].exception(), SilentError)
        places.give_back("c")
        assert await everything_that_can_happen() == ["dead", "a"], "it had no place"
        for _ in range(2):
            places.give_back("dead")
        assert await everything_that_can_happen() == ["dead", "a", "b"]
        places.give_back("a")
        assert await everything_that_can_happen() == ["dead", "a", "b", "c"]
        await asyncio.gather(*asked[1:])

    monkeypatch.setattr("components.agent.must_answer", must_answer)
    loop = asyncio.new_event_loop()  # asyncio.run would close the one that Pulumi's mocks use
    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
    assert connected[0] == ("dead", "dead.b", 22)
