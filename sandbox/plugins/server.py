"""Serves the provider protocol for a `Provider`.

The SDK's `pulumi.provider.experimental` serves the same protocol but drops what a provider with previews
needs (unknown values, old inputs, errors without a traceback), so this implements the generated interface itself.
"""

# ruff: noqa: N802 (the protocol's own names)
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.plugins import operations
from sandbox.plugins.base import Function, IncompleteError, PluginError, Provider, Request, Resource
from sandbox.plugins.changes import compare
from sandbox.plugins.engine import Engine, end_with_parent
from sandbox.plugins.errors import KeptError, reported
from sandbox.plugins.messages import check_failures, diff_response, from_json, old_inputs
from sandbox.plugins.schema import Failure, parse_fields
from sandbox.plugins.wire import Properties, Secret, decode_map, encode_map, reveal

PARALLEL_REQUESTS = 64
"""More than the engine sends at once by default."""

_CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
"""The engine's own limit."""

_ENGINE_KEYS = {"version", "pluginDownloadURL", "__internal"}
"""Keys that the engine adds to every provider's settings."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine's requests for a provider. Requests run concurrently, each in a thread."""

    def __init__(self, provider: Provider[Any], engine: Engine) -> None:
        self.provider = provider
        self.engine = engine
        self.cancelled = Event()
        self.client: Any = None
        self.types: dict[str, type[Resource[Any]]] = {kind.token: kind for kind in provider.resources}
        self.functions: dict[str, Function[Any]] = {each.token: each for each in provider.functions}

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.cancelled.set()
        return empty_pb2.Empty()

    def explain(self, error: Exception) -> str:
        """One line for an error that is not a PluginError."""
        return self.provider.explain(error)

    @contextmanager
    def _doing(self, what: str, resource: Resource[Any]) -> Iterator[None]:
        """Add what was being done to unforeseen errors; clear the status line at the end."""
        try:
            yield
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(f"{what} {resource.title}: {self.explain(error)}") from error
        finally:
            if resource.request.status_shown:
                self.engine.log(resource.request.urn, "", transient=True)

    # The provider's settings

    def _settings(self, struct: struct_pb2.Struct) -> tuple[Properties, Properties, list[Failure]]:
        """(as sent, parsed and revealed, mistakes). All values but strings arrive as JSON in a string."""
        sent = decode_map(struct)
        failures: list[Failure] = []
        plain = {
            key: from_json(value) if key in self.provider.config else value
            for key, value in reveal(sent).items()
            if key not in _ENGINE_KEYS
        }
        parsed = parse_fields(self.provider.config, plain, failures)
        if not failures:
            failures.extend(self.provider.check_config(parsed))
        return sent, parsed, failures

    @reported
    def CheckConfig(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        sent, _, failures = self._settings(request.news)
        return proto.CheckResponse(inputs=encode_map(sent), failures=check_failures(failures))

    @reported
    def DiffConfig(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        before = request.old_inputs if request.HasField("old_inputs") else request.olds
        _, old, _ = self._settings(before)
        _, new, _ = self._settings(request.news)
        return diff_response(compare(self.provider.config, old, new), delete_before_replace=False)

    @reported
    def Configure(self, request: proto.ConfigureRequest, context: grpc.ServicerContext) -> proto.ConfigureResponse:
        _, parsed, failures = self._settings(request.args)
        if failures:
            raise PluginError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        self.client = self.provider.configure(parsed)
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # Resources

    def _type(self, urn: str) -> type[Resource[Any]]:
        token = urn.split("::")[-2].rsplit("$", 1)[-1]
        if token not in self.types:
            known = ", ".join(sorted(self.types))
            raise PluginError(f"the local environment's {self.provider.package} has no {token}; it has: {known}")
        return self.types[token]

    def _resource(self, request: Any, inputs: Properties, *, preview: bool = False) -> Resource[Any]:
        asked = Request(
            urn=request.urn,
            preview=preview,
            timeout=getattr(request, "timeout", 0),
            say=lambda message, *, transient: self.engine.log(request.urn, message, transient=transient),
            cancelled=self.cancelled,
        )
        return self._type(request.urn)(self.client, asked)

    @reported
    def Check(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        old, new = decode_map(request.olds), decode_map(request.news)
        inputs, failures = operations.check(self._resource(request, new), old, new, request.randomSeed)
        return proto.CheckResponse(inputs=encode_map(inputs), failures=check_failures(failures))

    @reported
    def Diff(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        state, new = decode_map(request.olds), reveal(decode_map(request.news))
        resource = self._resource(request, new)
        old = reveal(old_inputs(request, state))
        changes = operations.diff(resource, reveal(state), old, new, list(request.ignoreChanges))
        return diff_response(changes, delete_before_replace=operations.delete_first(resource, old, new))

    @reported
    def Create(self, request: proto.CreateRequest, context: grpc.ServicerContext) -> proto.CreateResponse:
        sent = decode_map(request.properties)
        inputs = reveal(sent)
        resource = self._resource(request, sent, preview=request.preview)
        id_, outputs = "", {}
        if request.preview:
            outputs = operations.planned_create(resource, inputs)
        else:
            try:
                with self._doing("creating", resource):
                    id_, outputs = resource.create(inputs)
            except IncompleteError as error:
                outputs = operations.completed(inputs, error.outputs)
                raise KeptError(error, sent, operations.mark_secrets(type(resource), outputs, sent)) from error
        state = operations.mark_secrets(type(resource), operations.completed(inputs, outputs), sent)
        return proto.CreateResponse(id=id_, properties=encode_map(state))

    @reported
    def Read(self, request: proto.ReadRequest, context: grpc.ServicerContext) -> proto.ReadResponse:
        sent, before = decode_map(request.inputs), decode_map(request.properties)
        resource = self._resource(request, sent)
        with self._doing("reading", resource):
            current = resource.read(request.id, reveal(before))
        if current is None:
            return proto.ReadResponse()
        id_ = current.pop("id", request.id)
        inputs, state = operations.after_read(type(resource), reveal(sent), reveal(before), current)
        return proto.ReadResponse(
            id=id_,
            properties=encode_map(operations.mark_secrets(type(resource), state, sent, before)),
            inputs=encode_map(operations.mark_secrets(type(resource), inputs, sent, before)),
        )

    @reported
    def Update(self, request: proto.UpdateRequest, context: grpc.ServicerContext) -> proto.UpdateResponse:
        state, new = decode_map(request.olds), decode_map(request.news)
        resource = self._resource(request, new, preview=request.preview)
        old, inputs = reveal(state), reveal(new)
        if request.preview:
            before = reveal(old_inputs(request, state))
            outputs = operations.planned_update(resource, old, before, inputs)
        else:
            try:
                with self._doing("updating", resource):
                    outputs = resource.update(request.id, old, inputs)
            except IncompleteError as error:
                outputs = operations.completed(inputs, error.outputs)
                raise KeptError(error, new, operations.mark_secrets(type(resource), outputs, new)) from error
        kept = {name: value for name, value in old.items() if name in resource.outputs}
        done = operations.completed(inputs, {**kept, **outputs})
        return proto.UpdateResponse(properties=encode_map(operations.mark_secrets(type(resource), done, new)))

    @reported
    def Delete(self, request: proto.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        state = decode_map(request.properties)
        resource = self._resource(request, state)
        with self._doing("deleting", resource):
            resource.delete(request.id, reveal(state))
        return empty_pb2.Empty()

    # Functions

    @reported
    def Invoke(self, request: proto.InvokeRequest, context: grpc.ServicerContext) -> proto.InvokeResponse:
        function = self.functions.get(request.tok)
        if function is None:
            known = ", ".join(sorted(self.functions))
            raise PluginError(f"the local environment has no function {request.tok}; it has: {known}")
        failures: list[Failure] = []
        sent = decode_map(request.args)
        arguments = parse_fields(function.inputs, reveal(sent), failures)
        if failures:
            return proto.InvokeResponse(failures=check_failures(failures))
        results = function.run(self.client, arguments)
        marked = {name: Secret(value) if name in function.secrets else value for name, value in results.items()}
        response = proto.InvokeResponse()
        # `return` is a keyword in Python, so the field is accessed by name.
        getattr(response, "return").CopyFrom(encode_map(marked))
        return response


def serve(provider: Provider[Any]) -> None:
    """Serve on a free loopback port, which is printed for the engine, until the engine ends this process."""
    parser = argparse.ArgumentParser(description=f"Pulumi plugin `{provider.package}` of the local environment")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address")
    arguments, _ = parser.parse_known_args()
    end_with_parent()
    server = grpc.server(ThreadPoolExecutor(PARALLEL_REQUESTS), options=_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider, Engine(arguments.engine)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
