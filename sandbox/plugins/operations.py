"""The engine's requests for a declared resource, as plain functions. `server` adds the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.plugins.base import UNKNOWN, Failure, Resource, unique_name
from sandbox.plugins.changes import Change, compare, refreshed, without_ignored
from sandbox.plugins.schema import parse_fields
from sandbox.plugins.wire import Properties, Secret, mark_like, reveal

DEFAULTS = "__defaults"
"""An input that lists the inputs that were not given, such as generated names (as in bridged providers)."""


def check(resource: Resource[Any], old: Properties, new: Properties, seed: bytes) -> tuple[Properties, list[Failure]]:
    """The inputs with defaults and names filled in and secrets marked, and what is wrong with them.

    old: the inputs of the last run ({} for a new resource); new: the program's, with secrets marked.
    """
    given = {key: value for key, value in new.items() if not key.startswith("__")}
    failures: list[Failure] = []
    generated = []
    plain = reveal(given)
    for name, declared in resource.inputs.items():
        if declared.auto_name and plain.get(name) is None:
            kept = reveal(old.get(name)) if name in reveal(old.get(DEFAULTS, [])) else None
            plain[name] = kept or unique_name(resource.request.name, seed)
            generated.append(name)
    parsed = parse_fields(resource.inputs, plain, failures)
    if not failures:
        failures.extend(resource.check(parsed))
    inputs = {key: mark_like(value, given.get(key)) for key, value in parsed.items()}
    for name, declared in resource.inputs.items():
        if declared.secret and name in inputs and not isinstance(inputs[name], Secret):
            inputs[name] = Secret(reveal(inputs[name]))
    if generated:
        inputs[DEFAULTS] = generated
    return inputs, failures


def diff(
    resource: Resource[Any], state: Properties, old: Properties, new: Properties, ignored: Sequence[str]
) -> list[Change]:
    """The changes that an update has to make. state, old and new inputs: revealed."""
    changes = [
        Change(change.path, change.how, resource.replaces(change.top, state, new, declared=change.replaces))
        for change in compare(resource.inputs, old, new)
    ]
    named = {change.top for change in changes}
    for name, wanted in resource.derived(new).items():
        if name not in named and wanted is not UNKNOWN and state.get(name) != wanted:
            changes.append(Change(name, "update", False))
    for name, replaces in resource.stale(state, new).items():
        if name not in named:
            changes.append(Change(name, "update", replaces))
    return without_ignored(changes, ignored)


def delete_first(resource: Resource[Any], old: Properties, new: Properties) -> bool:
    """Whether the old resource must be deleted first: by declaration, or because the program gives both one name."""
    if resource.delete_before_replace:
        return True
    generated = new.get(DEFAULTS, [])
    return any(
        declared.auto_name and name not in generated and old.get(name) == new.get(name)
        for name, declared in resource.inputs.items()
    )


def planned_create(resource: Resource[Any], inputs: Properties) -> Properties:
    """The outputs of a resource that does not exist yet: its inputs, and UNKNOWN for what is determined later."""
    planned: Properties = dict.fromkeys(resource.outputs, UNKNOWN)
    planned.update({name: UNKNOWN for name, declared in resource.inputs.items() if declared.computed})
    return {**planned, **inputs, **resource.derived(inputs)}


def planned_update(resource: Resource[Any], state: Properties, old: Properties, new: Properties) -> Properties:
    """The outputs after an update that has not happened yet."""
    changed = frozenset(change.top for change in diff(resource, state, old, new, ()))
    kept = {
        name: value for name, value in state.items() if name not in resource.inputs or name in new or name not in old
    }
    unknown = dict.fromkeys(resource.volatile(changed, state, new), UNKNOWN)
    return {**kept, **new, **resource.derived(new), **unknown}


def completed(inputs: Properties, outputs: Properties) -> Properties:
    """The state to store: inputs and outputs. Outputs win."""
    return {key: value for key, value in {**inputs, **outputs}.items() if key != DEFAULTS}


def mark_secrets(kind: type[Resource[Any]], outputs: Properties, *patterns: Mapping[str, Any]) -> Properties:
    """The outputs with their secrets marked: what the resource declares secret, and what is secret in the patterns.

    patterns: inputs and state with marks, compared by name.
    """
    result = {}
    for name, value in outputs.items():
        marked = value
        for pattern in patterns:
            marked = mark_like(marked, pattern.get(name))
        declared = kind.outputs.get(name)
        always = (name in kind.inputs and kind.inputs[name].secret) or (declared is not None and declared.secret)
        if always and marked is not None and not isinstance(marked, Secret):
            marked = Secret(reveal(marked))
        result[name] = marked
    return result


def after_read(
    kind: type[Resource[Any]], old: Properties, before: Properties, current: Properties
) -> tuple[Properties, Properties]:
    """What `read` found, as (inputs, state). old: the last inputs; before: the last state; all revealed."""
    inputs = refreshed(kind.inputs, old, before, current)
    # What cannot be read (such as how to delete) is kept.
    unread = {
        name: value
        for name, value in before.items()
        if name not in current and (name in kind.inputs or name in kind.outputs)
    }
    return inputs, {**unread, **current}
