"""The command plugin, through the engine's protocol: real processes, and a real SSH connection."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
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
from sandbox.plugins.errors import TranscriptError
from sandbox.plugins.wire import Asset, Secret
from tests.sandbox.plugins.ssh_server import Listener

LOCAL, REMOTE, COPY = "command:local:Command", "command:remote:Command", "command:remote:CopyToRemote"
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


def test_another_interpreter(plugin: Any) -> None:
    _, state = make(plugin, LOCAL, create="print(6 * 7)", interpreter=["python3", "-c"])
    assert state["stdout"] == "42"


@pytest.mark.parametrize("name", ["create", "environment", "stdin"])
def test_a_secret_input_makes_the_output_secret(plugin: Any, name: str) -> None:
    values: dict[str, Any] = {"create": "echo hi", "environment": {"A": "b"}, "stdin": "c"}
    values[name] = {"A": Secret("b")} if name == "environment" else Secret(values[name])
    _, state = make(plugin, LOCAL, **values)
    assert state["stdout"] == Secret("hi")
    assert isinstance(state["stderr"], Secret)


def test_update_and_delete_know_the_previous_output(plugin: Any, tmp_path: Path) -> None:
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


def test_triggers_replace(plugin: Any) -> None:
    old, state = make(plugin, LOCAL, create="true", update="true", triggers=["1", 2])
    new, _ = plugin.check(LOCAL, old | {"triggers": ["1", 3]}, old)
    difference = plugin.diff(LOCAL, state, old, new)
    assert list(difference.detailedDiff) == ["triggers[1]"]
    assert list(difference.replaces) == ["triggers"]


def test_a_preview_runs_nothing(plugin: Any, tmp_path: Path) -> None:
    checked, _ = plugin.check(LOCAL, {"create": f"touch {tmp_path}/here"})
    plugin.create(LOCAL, checked, preview=True)
    assert not (tmp_path / "here").exists()


def test_a_failure_shows_what_was_written_but_no_secret(plugin: Any) -> None:
    checked, _ = plugin.check(
        LOCAL,
        {"create": 'echo "key $KEY"; echo second >&2; exit 3', "environment": {"KEY": Secret("s3cr3t-word")}},
    )
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(LOCAL, checked)
    details = caught.value.details() or ""
    assert details.splitlines()[0].startswith("exit status 3: running ")
    assert sorted(details.splitlines()[1:]) == ["key [secret]", "second"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"create": "true", "dir": "/nowhere"}, "cannot run /bin/sh in /nowhere: No such file or directory"),
        ({"create": "true", "interpreter": ["/no/shell"]}, "cannot run /no/shell: No such file or directory"),
    ],
)
def test_what_cannot_be_run_is_said(plugin: Any, inputs: dict[str, Any], message: str) -> None:
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
def test_lines_are_shown_as_they_come(logging: str | None, lines: set[str]) -> None:
    said: list[str] = []
    request = Request("urn:x::y::z::it", say=lambda line, passing: said.append(line))
    LocalCommand(None, request).create({"create": "echo out; echo err >&2"} | ({"logging": logging} if logging else {}))
    assert set(said) == lines


def test_interrupting_ends_the_command_and_its_children(tmp_path: Path) -> None:
    request = Request("urn:x::y::z::it")
    file = tmp_path / "pid"
    threading.Timer(0.5, request.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(TranscriptError, match="interrupted"):
        LocalCommand(None, request).create({"create": f"sleep 60 & echo $! > {file}; wait"})
    assert time.monotonic() - started < 50, "it was waited for"
    child = Path(f"/proc/{file.read_text().strip()}/status")
    assert not child.exists() or "State:\tZ" in child.read_text()


def test_a_timeout_ends_the_command() -> None:
    request = Request("urn:x::y::z::it", timeout=0.3)
    with pytest.raises(TranscriptError, match="did not end within"):
        LocalCommand(None, request).create({"create": "sleep 60"})


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
    assert state["stdout"] == Secret("given\nhello"), "secret with the connection"
    assert state["stderr"] == Secret("careful")


def test_a_remote_failure(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        make(plugin, REMOTE, connection=to(host, key), create="echo broken; exit 4")
    assert caught.value.details() == 'Process exited with status 4: running "echo broken; exit 4":\nbroken'


def test_a_variable_the_server_refuses(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    with pytest.raises(grpc.RpcError, match=r'could not set environment variable "WORD".*AcceptEnv'):
        make(plugin, REMOTE, connection=to(host, key), create="true", environment={"WORD": "x"})


@pytest.mark.parametrize("secret", ["privateKey", "locked key", "password"])
def test_ways_to_log_in(plugin: Any, host: Listener, key: paramiko.RSAKey, secret: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "privateKey": {},
        "locked key": {"privateKey": text_of(key, "pass"), "privateKeyPassword": "pass"},
        "password": {"privateKey": None, "password": PASSWORD},
    }
    _, state = make(plugin, REMOTE, connection=to(host, key, **ways[secret]), create="echo in")
    assert state["stdout"] == Secret("in")


def test_an_agent(plugin: Any, host: Listener, key: paramiko.RSAKey, tmp_path: Path) -> None:
    path = tmp_path / "agent"
    file = tmp_path / "key"
    file.write_text(text_of(key))
    file.chmod(0o600)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            time.sleep(0.01)
        environment = os.environ | {"SSH_AUTH_SOCK": str(path)}
        subprocess.run(["ssh-add", "-q", str(file)], env=environment, check=True)
        connection = to(host, key, privateKey=None, agentSocketPath=str(path))
        _, state = make(plugin, REMOTE, connection=connection, create="echo in")
        assert state["stdout"] == Secret("in")
    finally:
        agent.terminate()
        agent.wait()


def test_another_host_key_is_refused_before_any_password_is_sent(
    plugin: Any, host: Listener, key: paramiko.RSAKey
) -> None:
    wrong = paramiko.ECDSAKey.generate()
    line = f"{wrong.get_name()} {wrong.get_base64()}"
    with pytest.raises(grpc.RpcError, match="after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch"):
        make(plugin, REMOTE, connection=to(host, key, hostKey=line, dialErrorLimit=1), create="true")
    assert host.connections == 2


def test_any_of_the_hosts_keys_will_do(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    line = f"ssh-rsa {host.other_host_key.get_base64()}"
    _, state = make(plugin, REMOTE, connection=to(host, key, hostKey=line), create="echo in")
    assert state["stdout"] == Secret("in")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"privateKey": None, "password": "wrong"}, "unable to authenticate as me"),
        ({"privateKey": None}, "no password, private key or agent was given"),
        ({"privateKey": "nonsense"}, "it is no private key"),
        ({"hostKey": "nonsense"}, "expected a public key such as"),
        ({"port": 1}, "dial tcp 127.0.0.1:1: connect: connection refused"),
    ],
)
def test_connections_that_fail(
    plugin: Any, host: Listener, key: paramiko.RSAKey, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(grpc.RpcError, match=message):
        make(plugin, REMOTE, connection=to(host, key, dialErrorLimit=0, **more), create="true")


def test_through_a_proxy(plugin: Any, host: Listener, key: paramiko.RSAKey) -> None:
    bastion = Listener(key, PASSWORD)
    try:
        connection = to(host, key, proxy=to(bastion, key))
        _, state = make(plugin, REMOTE, connection=connection, create="echo far")
    finally:
        bastion.close()
    assert state["stdout"] == Secret("far")
    assert (host.connections, bastion.connections) == (1, 1)


def test_copying(plugin: Any, host: Listener, key: paramiko.RSAKey, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "file").write_text("deep")
    target.mkdir()
    connection = to(host, key)

    def copy(path: str, remote: Path, *, archive: bool = False) -> None:
        asset = Asset(archive, {"path": path, "hash": "1"})
        make(plugin, COPY, connection=connection, source=asset, remotePath=str(remote))

    copy(str(source / "inner/file"), target / "renamed")
    assert (target / "renamed").read_text() == "deep"
    copy(str(source / "inner/file"), target)
    assert (target / "file").read_text() == "deep"
    copy(str(source), target, archive=True)
    assert (target / "source/inner/file").read_text() == "deep"
    copy(f"{source}/", target / "new", archive=True)
    assert (target / "new/inner/file").read_text() == "deep"
    text = Asset(False, {"text": "words", "hash": "2"})
    make(plugin, COPY, connection=connection, source=text, remotePath=str(target / "text"))
    assert (target / "text").read_text() == "words"
    with pytest.raises(grpc.RpcError, match="is a directory; when using a text asset"):
        make(plugin, COPY, connection=connection, source=text, remotePath=str(target))
    with pytest.raises(grpc.RpcError, match="exists but is not a directory"):
        copy(f"{source}/", target / "text", archive=True)


def test_copying_again_only_when_it_changed(plugin: Any, host: Listener, key: paramiko.RSAKey, tmp_path: Path) -> None:
    remote = tmp_path / "remote"

    def inputs(text: str, **more: Any) -> dict[str, Any]:
        source = Asset(False, {"text": text, "hash": text})
        return {"connection": to(host, key, **more), "source": source, "remotePath": str(remote)}

    old, state = make(plugin, COPY, **inputs("one"))
    again, _ = plugin.check(COPY, inputs("one", dialErrorLimit=3), old)
    before = host.connections
    plugin.update(COPY, "id", state, old, again)
    assert host.connections == before
    new, _ = plugin.check(COPY, inputs("two"), old)
    plugin.update(COPY, "id", state, old, new)
    assert remote.read_text() == "two"
