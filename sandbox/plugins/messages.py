"""Conversions between the protocol's messages and the values that `operations` uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.plugins.changes import Change
from sandbox.plugins.schema import Failure
from sandbox.plugins.wire import Properties, decode_map


def from_json(value: Any) -> Any:
    """A setting as it was before the SDK encoded it as JSON. Text that is not JSON is returned unchanged."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def old_inputs(request: Any, state: Properties) -> Properties:
    """The inputs of the last run; the state, if the engine sent none."""
    return decode_map(request.old_inputs) if request.HasField("old_inputs") else state


def check_failures(failures: list[Failure]) -> list[proto.CheckFailure]:
    """The mistakes in the protocol's form."""
    return [proto.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def diff_response(changes: list[Change], *, delete_before_replace: bool) -> proto.DiffResponse:
    """The changes in the protocol's form."""
    kinds: Mapping[tuple[str, bool], proto.PropertyDiff.Kind.ValueType] = {
        ("add", False): proto.PropertyDiff.ADD,
        ("add", True): proto.PropertyDiff.ADD_REPLACE,
        ("delete", False): proto.PropertyDiff.DELETE,
        ("delete", True): proto.PropertyDiff.DELETE_REPLACE,
        ("update", False): proto.PropertyDiff.UPDATE,
        ("update", True): proto.PropertyDiff.UPDATE_REPLACE,
    }
    details = {
        change.path: proto.PropertyDiff(kind=kinds[change.how, change.replaces], inputDiff=True) for change in changes
    }
    replaces = sorted({change.top for change in changes if change.replaces})
    return proto.DiffResponse(
        changes=proto.DiffResponse.DIFF_SOME if changes else proto.DiffResponse.DIFF_NONE,
        diffs=sorted({change.top for change in changes}),
        replaces=replaces,
        deleteBeforeReplace=delete_before_replace and bool(replaces),
        detailedDiff=details,
        hasDetailedDiff=True,
    )
