"""A plugin in a process of its own, started and ended as by the engine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.plugins.base import Provider

OFFICIAL = "OFFICIAL_PLUGINS"
"""The variable that makes the tests run against the official plugins instead of the stand-ins, if it is 1."""


def official(provider: Provider[Any]) -> Path:
    """The official plugin's executable. If there is none, the test fails and says how to get it.

    The engine looks below its home, then on PATH (GetPluginPath in pulumi/sdk/v3 go/common/workspace/plugins.go).
    """
    version, name = metadata.version(provider.distribution), f"pulumi-resource-{provider.package}"
    homes = [os.environ.get("PULUMI_HOME"), str(Path.home() / ".pulumi")]
    folders = [Path(home) / "plugins" / f"resource-{provider.package}-v{version}" for home in homes if home]
    for folder in [*folders, *map(Path, os.get_exec_path())]:
        if os.access(folder / name, os.X_OK):
            return folder / name
    pytest.fail(
        f"{OFFICIAL} is set, and there is no {name} {version} in PULUMI_HOME, in ~/.pulumi or on PATH: "
        f"pulumi plugin install resource {provider.package} {version}",
        pytrace=False,
    )


@contextmanager
def running(command: Sequence[str], **more: Any) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a plugin; (its process, its port). At the end it is ended as by the engine: Cancel, then SIGINT."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0, **more)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield process, port
        if process.poll() is None:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                provider_pb2_grpc.ResourceProviderStub(channel).Cancel(empty_pb2.Empty(), timeout=5)
            interrupt(process)
            process.wait(5)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the plugin's process group, as the engine does (InterruptChildren in cmdutil/child_unix.go)."""
    os.killpg(process.pid, signal.SIGINT)
