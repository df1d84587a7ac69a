"""What a hardening rule is, and the ways to look at a run of the program that the rules share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.components.conftest import Resource, Run

Inputs = dict[str, Any]
Statement = dict[str, Any]
Find = Callable[[Run], list[str]]

POLICIES = {
    "Policy": "policy",
    "RolePolicy": "policy",
    "GroupPolicy": "policy",
    "UserPolicy": "policy",
}
"""Resources that hold a policy of identities, and the input that it is."""


@dataclass(frozen=True)
class Rule:
    """One rule of a scanner.

    ids: as the scanners call it (checkov's CKV_…, Prowler's with its service in front); the first names the rule here.
    wants: what must hold. find: the names of the resources that break it, as "Type name". bad: a program that
    breaks it, to show that it can be broken.
    """

    ids: tuple[str, ...]
    wants: str
    find: Find
    bad: Run

    @property
    def id(self) -> str:
        return self.ids[0]


def rule(ids: str, wants: str, find: Find, bad: Run) -> Rule:
    """A rule whose ids are separated by spaces."""
    return Rule(tuple(ids.split()), wants, find, bad)


def label(resource: Resource) -> str:
    """How a resource is called in findings and in docs/security.md: its type."""
    return resource.type.rpartition(":")[2]


def made(kind: str, name: str = "bad", /, **inputs: Any) -> Resource:
    """A resource as a program would ask for it."""
    return Resource(f"aws:made/by:{kind}", name, inputs, frozenset())


def program(*resources: Resource, calls: tuple[tuple[str, Inputs], ...] = ()) -> Run:
    """A run of a program with these resources and lookups."""
    return Run(resources=list(resources), calls=list(calls))


def each(kinds: str, holds: Callable[[Inputs], object]) -> Find:
    """Resources of these types (separated by spaces) that do not meet a condition."""

    def find(run: Run) -> list[str]:
        return [label(r) for kind in kinds.split() for r in run.all(kind) if not holds(r.inputs)]

    return find


def none(kinds: str) -> Find:
    """Resources of types that should not be there."""
    return each(kinds, lambda _: False)


def within(inputs: Inputs, *path: str) -> Any:
    """A value inside objects, None where one of them is missing."""
    value: Any = inputs
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def listed(value: Any) -> list[Any]:
    """A list: IAM writes a single value without one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def statements(document: str) -> list[Statement]:
    """A policy document's statements."""
    return [dict(statement) for statement in listed(json.loads(document)["Statement"])]


def granted(run: Run) -> Iterator[tuple[Resource, Statement]]:
    """Every statement that allows something to identities."""
    for kind, key in POLICIES.items():
        for resource in run.all(kind):
            # Other providers' notification policies share the name.
            if not resource.type.startswith("aws:"):
                continue
            for statement in statements(resource.inputs[key]):
                if statement["Effect"] == "Allow":
                    yield resource, statement


def no_statement(breaks: Callable[[list[str], list[str]], object]) -> Find:
    """Policies with a statement that breaks the rule, by its actions and its resources."""

    def find(run: Run) -> list[str]:
        return [
            label(resource)
            for resource, statement in granted(run)
            if breaks(listed(statement.get("Action")), listed(statement.get("Resource")))
        ]

    return find


def allowing(*actions: str, on: str = "*", kind: str = "RolePolicy") -> Run:
    """A program with one policy that allows these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return program(made(kind, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})))
