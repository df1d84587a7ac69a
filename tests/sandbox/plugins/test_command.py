"""The command plugin, used through the engine's protocol, with real processes and SSH connections."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import grpc
import paramiko
import pytest

from sandbox.plugins.base import Request
from sandbox.plugins.command import connection as ssh
from sandbox.plugins.command.local import LocalCommand
from sandbox.plugins.command.provider import CommandProvider
from sandbox.plugins.errors import VerbatimError
from sandbox.plugins.wire import Secret
from tests.sandbox.plugins.ssh_server import Listener, Mute
from tests.support.waiting import eventually

LOCAL, REMOTE = "command:local:Command", "command:remote:Command"
PASSWORD = "open sesame"


@pytest.fixture
def plugin(serve: Any) -> Any:
    return serve(CommandProvider())


def make(plugin: Any, token: str, **inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(checked inputs, state)."""
    checked, failures = plugin.check(token, inputs)
    assert not failures, failures
    return checked, plugin.create(token, checked)[1]


# local.Command


def test_output_environment_stdin_and_folder(plugin: Any, tmp_path: Path) -> None:
    _, state = make(
        plugin,
        LOCAL,
        create='cat; echo "$WORD"; pwd; echo careful >&2',
        environment={"WORD": "hello"},
        stdin="given\n",
        dir=str(tmp_path),
    )
    assert state["stdout"] == f"given\nhello\n{tmp_path}"
    assert state["stderr"] == "careful"


def test_a_command_can_have_another_interpreter(plugin: Any) -> None:
    _, state = make(plugin, LOCAL, create="print(6 * 7)", interpreter=["python3", "-c"])
    assert state["stdout"] == "42"


@pytest.mark.parametrize("name", ["create", "environment", "stdin"])
def test_output_is_never_secret(plugin: Any, name: str) -> None:
    values: dict[str, Any] = {"create": "echo hi", "environment": {"A": "b"}, "stdin": "c"}
    values[name] = {"A": Secret("b")} if name == "environment" else Secret(values[name])
    _, state = make(plugin, LOCAL, **values)
    assert (state["stdout"], state["stderr"]) == ("hi", "")
    assert state[name] == values[name], "the input stays secret"


def test_update_and_delete_get_the_previous_output(plugin: Any, tmp_path: Path) -> None:
    def commands(word: str) -> dict[str, str]:
        return {
            "create": "echo first",
            "update": f'echo "{word} after $PULUMI_COMMAND_STDOUT"',
            "delete": f'echo "$PULUMI_COMMAND_STDOUT" > {tmp_path}/gone',
        }

    old, state = make(plugin, LOCAL, **commands("one"))
    new, _ = plugin.check(LOCAL, commands("two"), old)
    difference = plugin.diff(LOCAL, state, old, new)
    assert (list(difference.diffs), list(difference.replaces)) == (["update"], [])
    after = plugin.update(LOCAL, "id", state, old, new)
    assert after["stdout"] == "two after first"
    plugin.delete(LOCAL, "id", after)
    assert (tmp_path / "gone").read_text() == "two after first\n"


def test_previous_output_can_be_left_out(plugin: Any) -> None:
    inputs = {"create": 'echo "<$PULUMI_COMMAND_STDOUT>"', "addPreviousOutputInEnv": False}
    old, state = make(plugin, LOCAL, **inputs)
    assert plugin.update(LOCAL, "id", state, old, old)["stdout"] == "<>"


def test_without_an_update_command_create_runs_again(plugin: Any) -> None:
    old, state = make(plugin, LOCAL, create="echo $WORD", environment={"WORD": "a"})
    new, _ = plugin.check(LOCAL, old | {"environment": {"WORD": "b"}}, old)
    assert plugin.update(LOCAL, "id", state, old, new)["stdout"] == "b"


def test_a_changed_trigger_replaces(plugin: Any) -> None:
    old, state = make(plugin, LOCAL, create="true", update="true", triggers=["1", 2])
    new, _ = plugin.check(LOCAL, old | {"triggers": ["1", 3]}, old)
    difference = plugin.diff(LOCAL, state, old, new)
    assert list(difference.detailedDiff) == ["triggers[1]"]
    assert list(difference.replaces) == ["triggers"]


def test_a_preview_runs_nothing(plugin: Any, tmp_path: Path) -> None:
    checked, _ = plugin.check(LOCAL, {"create": f"touch {tmp_path}/here"})
    plugin.create(LOCAL, checked, preview=True)
    assert not (tmp_path / "here").exists()


def test_a_failure_shows_all_output_including_secrets(plugin: Any) -> None:
    command = 'echo "key $KEY"; echo second >&2; exit 3'
    checked, _ = plugin.check(LOCAL, {"create": command, "environment": {"KEY": Secret("s3cr3t-word")}})
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(LOCAL, checked)
    details = caught.value.details() or ""
    assert details.splitlines()[0].startswith("exit status 3: running ")
    assert sorted(details.splitlines()[1:]) == ["key s3cr3t-word", "second"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"create": "true", "dir": "/nowhere"}, 'chdir /nowhere: no such file or directory: running "true":'),
        ({"create": "true", "interpreter": ["/no/shell"]}, "fork/exec /no/shell: no such file or directory"),
        ({"create": "true", "interpreter": ["no-shell"]}, r'exec: "no-shell": executable file not found in \$PATH'),
    ],
)
def test_a_command_that_cannot_be_started_is_reported(plugin: Any, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(grpc.RpcError, match=message):
        make(plugin, LOCAL, **inputs)


def test_mistakes_are_refused(plugin: Any) -> None:
    assert "logging" in plugin.check(LOCAL, {"logging": "loud"})[1]
    assert "crate" in plugin.check(LOCAL, {"crate": "true"})[1]
    assert "connection" in plugin.check(REMOTE, {"create": "true"})[1]
    assert "connection.host" in plugin.check(REMOTE, {"connection": {"user": "me"}})[1]


@pytest.mark.parametrize(
    ("logging", "lines"),
    [
        (None, {"out", "err"}),
        ("stdoutAndStderr", {"out", "err"}),
        ("stdout", {"out"}),
        ("stderr", {"err"}),
        ("none", set()),
    ],
)
@pytest.mark.stand_in
def test_output_is_shown_as_logging_says(logging: str | None, lines: set[str]) -> None:
    shown: list[str] = []

    def say(message: str, *, transient: bool) -> None:
        shown.append(message)

    request = Request("urn:x::y::z::it", say=say)
    LocalCommand(None, request).create({"create": "echo out; echo err >&2"} | ({"logging": logging} if logging else {}))
    assert set(shown) == lines


@pytest.mark.parametrize("how", ["interruption", "timeout"])
@pytest.mark.stand_in
def test_the_command_is_killed_by(how: str) -> None:
    request = Request("urn:x::y::z::it", timeout=0.5 if how == "timeout" else 0)
    if how == "interruption":
        threading.Timer(0.5, request.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(VerbatimError, match="signal: killed: running"):
        LocalCommand(None, request).create({"create": "exec sleep 60"})
    assert time.monotonic() - started < 50, "it was waited for"


# Over SSH


@pytest.fixture(scope="session")
def key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def host(key: paramiko.RSAKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(ssh, "FIRST_DELAY", 0.01)
    listener = Listener(key, PASSWORD)
    yield listener
    listener.close()


def text_of(key: paramiko.PKey, password: str | None = None) -> str:
    sink = StringIO()
    key.write_private_key(sink, password)
    return sink.getvalue()


def to(host: Listener, key: paramiko.PKey, **more: Any) -> dict[str, Any]:
    line = f"{host.host_key.get_name()} {host.host_key.get_base64()} comment"
    basic = {"host": "127.0.0.1", "port": host.port, "user": "me", "hostKey": line, "privateKey": text_of(key)}
    return {name: value for name, value in (basic | more).items() if value is not None}


def test_a_remote_command(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    _, state = make(
        plugin,
        REMOTE,
        connection=to(host, key),
        create='cat; echo "$LC_WORD"; echo careful >&2',
        environment={"LC_WORD": "hello"},
        stdin="given\n",
    )
    assert isinstance(state["connection"], Secret)
    assert (state["stdout"], state["stderr"]) == ("given\nhello", "careful"), "not secret, though the connection is"


def test_a_failed_remote_command_is_reported_with_its_output(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        make(plugin, REMOTE, connection=to(host, key), create="echo broken; exit 4")
    assert caught.value.details() == 'Process exited with status 4: running "echo broken; exit 4":\nbroken'


def test_a_variable_that_the_server_refuses_is_an_error(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    with pytest.raises(grpc.RpcError, match='could not set environment variable "WORD": ssh: setenv failed'):
        make(plugin, REMOTE, connection=to(host, key), create="true", environment={"WORD": "x"})


@pytest.mark.parametrize("secret", ["privateKey", "locked key", "password"])
def test_logging_in_with_a_key_or_a_password(plugin: Any, host: Listener, key: paramiko.RSAKey, secret: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "privateKey": {},
        "locked key": {"privateKey": text_of(key, "pass"), "privateKeyPassword": "pass"},
        "password": {"privateKey": None, "password": PASSWORD},
    }
    _, state = make(plugin, REMOTE, connection=to(host, key, **ways[secret]), create="echo in")
    assert state["stdout"] == "in"


@contextmanager
def ssh_agent(folder: Path, key: paramiko.PKey) -> Iterator[str]:
    """The socket of an SSH agent that holds the key."""
    path, file = folder / "agent", folder / "key"
    file.write_text(text_of(key))
    file.chmod(0o600)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        add, env = ["ssh-add", "-q", str(file)], os.environ | {"SSH_AUTH_SOCK": str(path)}
        # The socket exists before the agent listens.
        assert eventually(lambda: subprocess.run(add, env=env, capture_output=True, check=False).returncode == 0, 30)
        yield str(path)
    finally:
        agent.terminate()
        agent.wait()


def test_logging_in_with_an_agent(plugin: Any, host: Listener, key: paramiko.RSAKey, tmp_path: Path) -> None:
    with ssh_agent(tmp_path, key) as path:
        connection = to(host, key, privateKey=None, agentSocketPath=path)
        _, state = make(plugin, REMOTE, connection=connection, create="echo in")
    assert state["stdout"] == "in"


def test_a_wrong_host_key_is_refused_before_logging_in(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    wrong = paramiko.ECDSAKey.generate()
    line = f"{wrong.get_name()} {wrong.get_base64()}"
    with pytest.raises(grpc.RpcError) as caught:
        make(plugin, REMOTE, connection=to(host, key, hostKey=line, dialErrorLimit=1), create="true")
    assert caught.value.details() == "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch"
    assert host.connections == 2


def test_an_rsa_host_key_is_only_requested_with_sha_1(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    """OpenSSH has only signed with SHA-2 since 8.8, so even the host's right key is refused."""
    line = f"ssh-rsa {host.other_host_key.get_base64()}"
    with pytest.raises(grpc.RpcError) as caught:
        make(plugin, REMOTE, connection=to(host, key, hostKey=line, dialErrorLimit=0), create="true")
    assert re.fullmatch(
        r"after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; "
        r"we offered: \[ssh-rsa\], peer offered: \[(?=.*rsa-sha2-512)(?=.*ecdsa-sha2-nistp256)[a-z0-9 -]+\]",
        caught.value.details() or "",
    ), caught.value.details()


def test_an_agent_is_not_used_if_there_is_a_private_key(
    plugin: Any, host: Listener, key: paramiko.RSAKey, tmp_path: Path
) -> None:
    """Each method is tried once (clientAuthenticate in x/crypto/ssh)."""
    stranger = paramiko.RSAKey.generate(2048)
    with ssh_agent(tmp_path, key) as path:
        connection = to(host, key, privateKey=text_of(stranger), agentSocketPath=path, dialErrorLimit=0)
        with pytest.raises(grpc.RpcError, match=r"attempted methods \[none publickey\]"):
            make(plugin, REMOTE, connection=connection, create="true")


NOBODY = "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none{}], no supported methods remain"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"privateKey": None, "password": "wrong"}, f"after 0 failed attempts: {NOBODY.format(' password')}"),
        ({"privateKey": None}, f"after 0 failed attempts: {NOBODY.format('')}"),
        ({"privateKey": "nonsense"}, "ssh: no key found"),
        ({"hostKey": "nonsense"}, "failed to parse host key: ssh: no key found"),
        ({"agentSocketPath": "/nowhere"}, "dial unix /nowhere: connect: no such file or directory"),
        ({"port": 1}, "after 0 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused"),
        ({"host": "nobody.invalid"}, "after 0 failed attempts: dial tcp: lookup nobody.invalid: no such host"),
    ],
)
def test_failed_connections_are_reported_as_by_go(
    plugin: Any, host: Listener, key: paramiko.RSAKey, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        make(plugin, REMOTE, connection=to(host, key, dialErrorLimit=0) | more, create="true")
    # The official plugin's resolver also names the server it asked: `lookup NAME on ADDRESS:53`.
    assert re.sub(r" on \S+:53:", ":", caught.value.details() or "") == message


@pytest.mark.parametrize(
    ("says", "message"),
    [("", "EOF"), ("HTTP/1.1 400 Bad Request\n" * 100, "ssh: overflow reading version string")],
)
def test_a_port_that_does_not_speak_ssh_is_an_error(plugin: Any, key: paramiko.RSAKey, says: str, message: str) -> None:
    with Mute(says) as mute:
        connection = {"host": "127.0.0.1", "port": mute.port, "privateKey": text_of(key), "dialErrorLimit": 0}
        with pytest.raises(grpc.RpcError, match=f"ssh: handshake failed: {message}"):
            make(plugin, REMOTE, connection=connection, create="true")


def test_a_port_that_never_speaks_blocks_without_end(plugin: Any, key: paramiko.RSAKey) -> None:
    """perDialTimeout only limits the TCP connection, and customTimeouts has no effect. The program guards against this
    (program/ssh_answers.py)."""
    with Mute() as mute:
        inputs = {"host": "127.0.0.1", "port": mute.port, "privateKey": text_of(key)}
        checked, _ = plugin.check(
            REMOTE, {"connection": inputs | {"perDialTimeout": 1, "dialErrorLimit": 0}, "create": "true"}
        )
        started = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            plugin.create(REMOTE, checked, timeout=1, patience=4)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED, "only the test's own patience ended it"
        assert time.monotonic() - started > 3.5
