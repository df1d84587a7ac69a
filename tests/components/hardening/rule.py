"""What a hardening rule is, and how rules search a run of the program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.components.conftest import Resource, Run, statements

Inputs = dict[str, Any]
Statement = dict[str, Any]
Find = Callable[[Run], list[str]]

POLICIES = ("Policy", "RolePolicy", "GroupPolicy", "UserPolicy")
"""Types of resources whose input `policy` is an identity's."""


@dataclass(frozen=True)
class Rule:
    """One rule of a scanner.

    ids: the scanners' names for it (checkov's CKV_…, Prowler's with its service in front); the first is its name here.
    wants: what must hold. find: returns the types of the resources that break it. bad: a program that breaks it, which
    shows that the rule can fail.
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
    """A resource's name in findings and in docs/security.md: its type."""
    return resource.type.rpartition(":")[2]


def made(kind: str, name: str = "bad", /, **inputs: Any) -> Resource:
    """A resource as a program would request it."""
    return Resource(f"aws:made/by:{kind}", name, inputs)


def program(*resources: Resource, calls: tuple[tuple[str, Inputs], ...] = ()) -> Run:
    """A run of a program with these resources and lookups."""
    return Run(resources=list(resources), calls=list(calls))


def each(kinds: str, holds: Callable[[Inputs], object]) -> Find:
    """Finds resources of these types (separated by spaces) that do not meet the condition."""

    def find(run: Run) -> list[str]:
        return [label(r) for kind in kinds.split() for r in run.all(kind) if not holds(r.inputs)]

    return find


def none(kinds: str) -> Find:
    """Finds resources of types that must not exist."""
    return each(kinds, lambda _: False)


def within(inputs: Inputs, *path: str) -> Any:
    """The value at a path inside objects, or None if a step is missing."""
    value: Any = inputs
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def listed(value: Any) -> list[Any]:
    """A list; IAM writes a single value without one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def granted(run: Run) -> Iterator[tuple[Resource, Statement]]:
    """Every statement that allows identities something."""
    for kind in POLICIES:
        for resource in run.all(kind):
            # Grafana's notification policies end with the same word.
            if not resource.type.startswith("aws:"):
                continue
            for statement in statements(resource.inputs["policy"]):
                if statement["Effect"] == "Allow":
                    yield resource, statement


def no_statement(breaks: Callable[[list[str], list[str]], object]) -> Find:
    """Finds policies with a statement whose actions and resources break the rule."""

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
