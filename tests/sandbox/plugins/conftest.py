"""A stand-in plugin, served in this process and used through the real protocol as the engine does.

With OFFICIAL_PLUGINS=1 the same tests run against the official plugin, in a process of its own, and so show whether
the two agree. Tests of a stand-in itself are marked `stand_in` and are then skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.plugins.base import Properties, Provider
from sandbox.plugins.engine import Engine
from sandbox.plugins.server import Servicer
from sandbox.plugins.wire import decode_map, encode_map
from tests.sandbox.plugins.process import OFFICIAL, official, running


class Plugin:
    """The engine's side of the protocol, with Python values."""

    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub, package: str) -> None:
        self.stub, self.package = stub, package

    def _urn(self, token: str, name: str) -> str:
        return f"urn:pulumi:dev::project::{token}::{name}"

    def configure(self, **settings: Any) -> None:
        self.stub.Configure(proto.ConfigureRequest(args=encode_map(settings), acceptSecrets=True))

    def check_config(self, **settings: Any) -> dict[str, str]:
        answer = self.stub.CheckConfig(proto.CheckRequest(news=encode_map(settings)))
        return {failure.property: failure.reason for failure in answer.failures}

    def check(
        self, token: str, inputs: Properties, old: Properties | None = None, name: str = "it"
    ) -> tuple[Properties, dict[str, str]]:
        """(checked inputs, failures by property)."""
        answer = self.stub.Check(
            proto.CheckRequest(
                urn=self._urn(token, name),
                olds=encode_map(old or {}),
                news=encode_map(inputs),
                randomSeed=b"seed",
            )
        )
        return decode_map(answer.inputs), {each.property: each.reason for each in answer.failures}

    def diff(
        self, token: str, state: Properties, old: Properties, new: Properties, ignore: tuple[str, ...] = ()
    ) -> proto.DiffResponse:
        answer: proto.DiffResponse = self.stub.Diff(
            proto.DiffRequest(
                urn=self._urn(token, "it"),
                id="id",
                olds=encode_map(state),
                old_inputs=encode_map(old),
                news=encode_map(new),
                ignoreChanges=ignore,
            )
        )
        return answer

    def create(
        self,
        token: str,
        inputs: Properties,
        *,
        preview: bool = False,
        timeout: float = 0,
        patience: float | None = None,
    ) -> tuple[str, Properties]:
        """(id, state). timeout: the user's `customTimeouts`; patience: how long the test waits. Both in seconds."""
        request = proto.CreateRequest(
            urn=self._urn(token, "it"),
            name="it",
            type=token,
            properties=encode_map(inputs),
            preview=preview,
            timeout=timeout,
        )
        answer = self.stub.Create(request, timeout=patience)
        return answer.id, decode_map(answer.properties)

    def read(
        self, token: str, id_: str, state: Properties | None = None, inputs: Properties | None = None
    ) -> tuple[str, Properties, Properties]:
        """(id, state, inputs). The id is empty if the resource is gone."""
        answer = self.stub.Read(
            proto.ReadRequest(
                urn=self._urn(token, "it"),
                id=id_,
                properties=encode_map(state or {}),
                inputs=encode_map(inputs or {}),
            )
        )
        return answer.id, decode_map(answer.properties), decode_map(answer.inputs)

    def update(
        self,
        token: str,
        id_: str,
        state: Properties,
        old: Properties,
        new: Properties,
        *,
        preview: bool = False,
    ) -> Properties:
        answer = self.stub.Update(
            proto.UpdateRequest(
                urn=self._urn(token, "it"),
                id=id_,
                olds=encode_map(state),
                old_inputs=encode_map(old),
                news=encode_map(new),
                preview=preview,
            )
        )
        return decode_map(answer.properties)

    def delete(self, token: str, id_: str, state: Properties) -> None:
        self.stub.Delete(proto.DeleteRequest(urn=self._urn(token, "it"), id=id_, properties=encode_map(state)))

    def invoke(self, token: str, arguments: Properties) -> Properties:
        answer = self.stub.Invoke(proto.InvokeRequest(tok=token, args=encode_map(arguments)))
        assert not answer.failures, answer.failures
        return decode_map(getattr(answer, "return"))


@pytest.fixture(autouse=True)
def _skip_tests_of_the_stand_in(request: pytest.FixtureRequest) -> None:
    if os.environ.get(OFFICIAL) and request.node.get_closest_marker("stand_in"):
        pytest.skip("about the stand-in itself")


@pytest.fixture
def serve() -> Iterator[Callable[[Provider[Any]], Plugin]]:
    """Serve a provider, or the official plugin, until the test ends. Returns the engine's side."""
    with ExitStack() as until_the_end:

        def start(provider: Provider[Any]) -> Plugin:
            if os.environ.get(OFFICIAL):
                _, port = until_the_end.enter_context(running([str(official(provider)), "127.0.0.1:1"]))
            else:
                server = grpc.server(ThreadPoolExecutor(4))
                provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider, Engine()), server)
                port = server.add_insecure_port("127.0.0.1:0")
                server.start()
                until_the_end.callback(server.stop, None)
            channel = until_the_end.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))
            plugin = Plugin(provider_pb2_grpc.ResourceProviderStub(channel), provider.package)
            if not provider.config:
                plugin.configure()
            return plugin

        yield start
