"""A host whose port accepts connections but never speaks SSH: each check times out, and only that host fails."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko
import pytest

from program import ssh_answers
from program.ssh_answers import SilentError, must_answer
from tests.sandbox.plugins.engine import CHECKOUT, Stack
from tests.sandbox.plugins.ssh_server import Listener, Mute


def ask(port: int, address: str = "127.0.0.1") -> None:
    # asyncio.run would close the thread's event loop, which Pulumi's mocks use.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(must_answer("web-1", address, port))
    finally:
        loop.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_answers, "GREETING_SECONDS", 0.5)


@pytest.mark.parametrize("says", [None, "220 mail.example.com ESMTP\r\n"])
@pytest.mark.usefixtures("impatient")
def test_a_port_that_stays_open_without_speaking_ssh_is_refused(says: str | None) -> None:
    with Mute(says, hang_up=False) as mute, pytest.raises(SilentError) as refused:
        ask(mute.port)
    for word in ("web-1", f"127.0.0.1, port {mute.port}", "no SSH server answered within", "unreachable: true"):
        assert word in str(refused.value)


@pytest.mark.usefixtures("impatient")
def test_an_ssh_server_can_send_other_lines_first() -> None:
    with Mute("Welcome to web-1\r\nSSH-2.0-OpenSSH_10.0\r\n", hang_up=False) as server:
        ask(server.port)


@pytest.mark.usefixtures("impatient")
def test_errors_that_the_provider_reports_itself_are_left_to_it() -> None:
    with Mute("") as hangs_up:
        ask(hangs_up.port)
    ask(1)  # connection refused
    ask(22, "nobody.invalid")


def test_run_as_a_script_it_fails_with_one_line(tmp_path: Path) -> None:
    script = tmp_path / "ssh_answers.py"
    script.write_text((CHECKOUT / "program/ssh_answers.py").read_text().replace("= 5, 30", "= 5, 1"))
    with Mute() as mute:
        environment = os.environ | {"HOST_NAME": "web-1", "HOST_ADDRESS": "127.0.0.1", "HOST_PORT": str(mute.port)}
        # Without the project's packages.
        command = [sys.executable, "-I", "-S", str(script)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"web-1: 127.0.0.1, port {mute.port}, accepts connections")
    assert len(done.stderr.splitlines()) == 1


# --- With the engine and the command plugin

PROGRAM = """
import pulumi
from components.agent import install_agents
from settings import Host

# Settings refuse the loopback, which is where this test's hosts are.
hosts = [
    Host(**host | {"address": "198.51.100.7"}).model_copy(update={"address": host["address"]})
    for host in pulumi.Config().require_object("hosts")
]
script = pulumi.Output.secret(pulumi.Config().get("script") or "echo installed")
connections = pulumi.Config().get_int("connections") or 16
agents = install_agents(hosts, lambda host: script, [], connections, pulumi.ResourceOptions())
for host, agent in zip(hosts, agents):
    pulumi.export(host.name, agent.installed.apply(lambda _: "installed").recover(lambda _: "failed"))
"""


@pytest.fixture(scope="module")
def key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    program = tmp_path / "written"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: agents\nruntime: python\n")
    (program / "__main__.py").write_text(PROGRAM)
    for package in ("components", "program", "settings"):
        (program / package).symlink_to(CHECKOUT / package)
    made = Stack.make(tmp_path, program)
    # The stack's folder is a copy.
    answers = made.folder / "program/ssh_answers.py"
    answers.write_text(answers.read_text().replace("= 5, 30", "= 5, 2"))
    return made


def host(name: str, server: Listener, key: paramiko.PKey, port: int | None = None, **more: Any) -> dict[str, Any]:
    sink = StringIO()
    key.write_private_key(sink)
    shown = server.host_key
    return {
        "name": name,
        "address": "127.0.0.1",
        "port": port or server.port,
        "user": "me",
        "hostKey": f"{shown.get_name()} {shown.get_base64()}",
        "privateKey": sink.getvalue(),
    } | more


def configure(stack: Stack, *hosts: dict[str, Any]) -> None:
    stack.run("config", "set", "hosts", json.dumps(hosts))


@contextmanager
def listening(key: paramiko.PKey) -> Iterator[Listener]:
    server = Listener(key, "unused")
    try:
        yield server
    finally:
        server.close()


def errors(output: str) -> list[str]:
    lines = output.partition("Diagnostics:")[2].splitlines()
    return [line for line in lines if "error:" in line and "update failed" not in line]


@pytest.mark.slow
def test_a_silent_host_is_one_error_of_up_and_unreachable_skips_it(stack: Stack, key: paramiko.RSAKey) -> None:
    with listening(key) as good, Mute() as mute:
        silent = host("silent", good, key, port=mute.port)
        configure(stack, host("good", good, key), silent)
        failed = stack.up("--continue-on-error", fails=True)
        (error,) = errors(failed)
        assert f"silent: 127.0.0.1, port {mute.port}, accepts connections" in error
        assert "unreachable: true" in error
        assert "Traceback" not in failed
        assert stack.outputs() == {"good": "installed", "silent": "failed"}

        configure(stack, host("good", good, key), silent | {"unreachable": True})
        stack.up()
        stack.run("destroy", "--yes", "--skip-preview")


COUNTED = """
running={folder}/running; mkdir -p $running
touch $running/$$; ls $running | wc -l >>{folder}/counts
sleep 1; rm $running/$$
mkdir {folder}/failed 2>/dev/null && exit 1; echo installed
"""
"""Records how many installers run at a time; the first one to finish fails."""


@pytest.mark.slow
def test_hosts_are_limited_at_a_time_and_a_silent_one_blocks_no_other(
    stack: Stack, key: paramiko.RSAKey, tmp_path: Path
) -> None:
    stack.run("config", "set", "script", COUNTED.format(folder=tmp_path))
    stack.run("config", "set", "connections", "2")
    with listening(key) as good, Mute() as mute:
        names = [f"web-{number}" for number in range(6)]
        silent = [host(f"silent-{number}", good, key, port=mute.port) for number in range(3)]
        configure(stack, *silent, *(host(name, good, key) for name in names))
        failed = stack.up("--continue-on-error", "--parallel", "32", fails=True)
        assert len(errors(failed)) == 4, failed
        assert "Traceback" not in failed
        found = stack.outputs()
    assert [found[each["name"]] for each in silent] == ["failed"] * 3
    assert sorted(found[name] for name in names) == ["failed", *["installed"] * 5]
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 6
    assert max(counts) == 2, "two at a time, and no more"


@pytest.mark.slow
def test_a_host_that_fell_silent_is_one_error_of_destroy_and_unreachable_skips_it(
    stack: Stack, key: paramiko.RSAKey
) -> None:
    with listening(key) as later:
        configure(stack, host("web-1", later, key))
        stack.up()
        assert stack.preview().count("unchanged") == 1
        port = later.port
    with Mute(port=port) as mute:
        failed = stack.run("destroy", "--yes", "--skip-preview", fails=True)
        (error,) = [line for line in failed.splitlines() if "accepts connections" in line]
        assert f"web-1: 127.0.0.1, port {port}" in error
        assert "unreachable: true" in error
        assert len(mute.connections) == 1, "the provider did not connect"

        configure(stack, host("web-1", later, key, unreachable=True))
        stack.up("--target", "**:Command::web-1")
        stack.run("destroy", "--yes", "--skip-preview")
        assert len(mute.connections) == 1
