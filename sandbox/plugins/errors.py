"""How requests fail: the exceptions that plugins raise, and the one line that the engine gets."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NoReturn, Protocol, TypeVar, cast

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.plugins.engine import Engine
from sandbox.plugins.wire import Properties, decode_map, encode_map, secret_texts

_SHORTEST_SECRET = 4
"""Shorter texts are not redacted from messages, as that would break up words and hide nothing."""


class PluginError(Exception):
    """An error whose message, one sentence, is shown to the user without secrets."""


class IncompleteError(PluginError):
    """Creating or updating failed halfway, so the resource exists and must be kept in the state.

    id_: the resource's id.  outputs: as far as known.  reason: what failed.
    """

    def __init__(self, id_: str, outputs: Properties, reason: str) -> None:
        super().__init__(reason)
        self.id, self.outputs, self.reason = id_, outputs, reason


class VerbatimError(PluginError):
    """An error whose message is shown unchanged, with line breaks and secrets, because the real provider hides nothing
    either (pulumi-command's outputs and errors)."""


class KeptError(Exception):
    """An `IncompleteError` with the inputs and the state for the engine to keep, with secrets marked."""

    def __init__(self, error: IncompleteError, inputs: Properties, state: Properties) -> None:
        super().__init__(error.reason)
        self.id, self.inputs, self.state = error.id, inputs, state


class _Reporter(Protocol):
    """What `reported` needs from the object whose methods it wraps."""

    engine: Engine

    def explain(self, error: Exception) -> str: ...


@dataclass(frozen=True)
class _Status(grpc.Status):
    """A gRPC status with details, in the form `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


_Method = TypeVar("_Method", bound=Callable[..., Any])


def reported(method: _Method) -> _Method:
    """Report an exception of the method to the user in one line, without any of the request's secrets.

    The traceback of an unforeseen error goes to the engine's debug log (`pulumi up --debug`).
    """

    @wraps(method)
    def run(self: _Reporter, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except KeptError as error:
            _end_keeping(error, request, context)
        except Exception as error:
            if not isinstance(error, PluginError) or error.__cause__ is not None:
                trace = _without_secrets("".join(traceback.format_exception(error)), request)
                self.engine.log(getattr(request, "urn", ""), trace, debug=True)
            message = str(error) if isinstance(error, PluginError) else self.explain(error)
            shown = message if isinstance(error, VerbatimError) else _one_line(message, request)
            context.abort(grpc.StatusCode.UNKNOWN, shown)

    return cast(_Method, run)


def _end_keeping(error: KeptError, request: Any, context: grpc.ServicerContext) -> NoReturn:
    """Report to the engine that the resource exists but is incomplete, with what is known about it."""
    reason = _one_line(str(error), request)
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=encode_map(error.state),
        reasons=[reason],
        inputs=encode_map(error.inputs),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
    status.details.add().Pack(detail)
    trailer = (("grpc-status-details-bin", status.SerializeToString()),)
    context.abort_with_status(_Status(grpc.StatusCode.UNKNOWN, reason, trailer))


def _one_line(message: str, request: Any) -> str:
    return " ".join(_without_secrets(message, request).split())


def _without_secrets(message: str, request: Any) -> str:
    """The message with every secret of the request redacted."""
    for name in ("properties", "inputs", "olds", "news", "old_inputs", "args"):
        struct = getattr(request, name, None)
        if not isinstance(struct, struct_pb2.Struct):
            continue
        for text in sorted(secret_texts(decode_map(struct)), key=len, reverse=True):
            if len(text) >= _SHORTEST_SECRET:
                message = message.replace(text, "[secret]")
    return message
