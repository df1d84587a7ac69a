"""The plugins' processes: started by their wrapper, cancelled and interrupted as by the engine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox import warm
from sandbox.plugins.install import wrapper
from sandbox.plugins.wire import encode_map
from tests.sandbox.plugins.engine import CHECKOUT
from tests.sandbox.plugins.process import interrupt, running
from tests.support.waiting import ended, eventually

pytestmark = [pytest.mark.slow, pytest.mark.stand_in]

QUICK = 2.0
"""Seconds. For all of a stack's plugins together, the engine allows 5 (`launch`)."""


@pytest.fixture(scope="module")
def interpreters() -> Iterator[dict[str, str]]:
    with warm.kept(CHECKOUT / ".venv/bin/python") as variable:
        yield variable


@pytest.fixture(params=["own", "forked"])
def executable(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    interpreters: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The command plugin's wrapper as installed, with an interpreter of its own or a forked one."""
    for name, value in interpreters.items():
        monkeypatch.setenv(name, value if request.param == "forked" else "")
    path = tmp_path / "pulumi-resource-command"
    path.write_text(wrapper(CHECKOUT, "command"))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("delay", [0, 0.01, 0.02, 0.04, 0.08, 0.2, 0.4], ids=lambda delay: f"{delay} s")
def test_a_plugin_interrupted_at_its_start_ends_at_once_and_silently(executable: Path, delay: float) -> None:
    process = subprocess.Popen(
        [executable, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    )
    time.sleep(delay)
    interrupt(process)
    said, complained = process.communicate(timeout=QUICK)
    assert complained == b""
    assert said == b"" or said.strip().isdigit()
    assert process.returncode != 0


def test_an_idle_plugin_that_is_interrupted_ends_at_once_and_silently(executable: Path) -> None:
    with running([str(executable), "127.0.0.1:1"], stderr=subprocess.PIPE) as (process, _):
        interrupt(process)
        assert process.communicate(timeout=QUICK) == (b"", b"")


@pytest.fixture
def busy(executable: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], grpc.Channel, Any, int]]:
    """A plugin that runs a command: (process, channel, the call that waits for the command, the command's pid)."""
    pid = tmp_path / "pid"
    command = encode_map({"create": f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 60"})
    urn = "urn:pulumi:dev::project::command:local:Command::it"
    with ExitStack() as until_the_end:
        process, port = until_the_end.enter_context(running([str(executable), "127.0.0.1:1"], stderr=subprocess.PIPE))
        channel = until_the_end.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        call = stub.Create.future(proto.CreateRequest(urn=urn, properties=command))
        until = time.monotonic() + 10
        while not pid.exists() and time.monotonic() < until:
            time.sleep(0.01)
        yield process, channel, call, int(pid.read_text())


def test_cancel_is_answered_during_a_command_and_ends_it(
    busy: tuple[subprocess.Popen[bytes], grpc.Channel, Any, int],
) -> None:
    _, channel, call, _ = busy
    provider_pb2_grpc.ResourceProviderStub(channel).Cancel(empty_pb2.Empty(), timeout=QUICK)
    with pytest.raises(grpc.RpcError, match="signal: killed: running"):
        call.result(timeout=QUICK)


def test_an_interrupt_during_a_command_ends_both(
    busy: tuple[subprocess.Popen[bytes], grpc.Channel, Any, int],
) -> None:
    process, _, _, command = busy
    interrupt(process)
    assert process.wait(QUICK) != 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert eventually(lambda: ended(command), 30), "its command went on"
