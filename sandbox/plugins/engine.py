"""The connection to the engine: sends it log lines, and ends the plugin if the engine is gone."""

from __future__ import annotations

import os
import threading
import time

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine that started this plugin. address: HOST:PORT, empty in tests."""

    def __init__(self, address: str = "") -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def log(self, urn: str, message: str, *, transient: bool = False, debug: bool = False) -> None:
        """Show a line at the resource `urn`. transient: as a status that the next one overwrites."""
        if self._stub is None:
            return
        severity = engine_pb2.DEBUG if debug else engine_pb2.INFO
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=transient)
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            # A line that cannot be shown is no reason to stop the work that it reports.
            return


def end_with_parent() -> None:
    """End this process if the engine is killed; a plugin without an engine would run forever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-engine").start()
