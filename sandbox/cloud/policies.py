"""How IAM evaluates policies: pure functions from policy documents and a permission to a verdict.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and, for the elements,
reference_policies_elements.html next to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from sandbox.cloud import conditions
from sandbox.cloud.conditions import matches
from sandbox.cloud.permission import Permission

Document = Mapping[str, Any]
Statement = Mapping[str, Any]


class Verdict(Enum):
    """What policies say: allowed, denied (which nothing overrides), or nothing, which is an implicit deny."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


def parse(text: str) -> Document:
    """A policy document from its JSON text."""
    document: Document = json.loads(text)
    return document


def judge(documents: Iterable[Document], permission: Permission) -> Verdict:
    """The combined verdict of identity policies.

    Raises conditions.UnknownConditionError if a statement that matters has a condition that cannot be evaluated.
    """
    return _verdict(each for document in documents for each in statements(document) if applies(each, permission))


def _verdict(applying: Iterable[Statement]) -> Verdict:
    """The verdict of statements that apply: an explicit deny wins, then an allow."""
    verdict = Verdict.SILENT
    for statement in applying:
        if statement["Effect"] == "Deny":
            return Verdict.DENIED
        verdict = Verdict.ALLOWED
    return verdict


def statements(document: Document) -> list[Statement]:
    """The statements of a document, which may contain a single one without a list."""
    found = document["Statement"]
    return [found] if isinstance(found, Mapping) else list(found)


def applies(statement: Statement, permission: Permission) -> bool:
    """Whether a statement of an identity policy applies to the permission."""
    return (
        _action_matches(statement, permission.action)
        and _resource_matches(statement, permission)
        and conditions.hold(statement.get("Condition", {}), permission.context)
    )


def _action_matches(statement: Statement, action: str) -> bool:
    inverted = "NotAction" in statement
    patterns = _as_list(statement["NotAction" if inverted else "Action"])
    # Actions are case-insensitive.
    return any(matches(pattern.lower(), action.lower()) for pattern in patterns) != inverted


def _resource_matches(statement: Statement, permission: Permission) -> bool:
    inverted = "NotResource" in statement
    patterns = _as_list(statement.get("NotResource" if inverted else "Resource", []))
    found = any(
        matches(conditions.substitute(pattern, permission.context), permission.resource) for pattern in patterns
    )
    return found != inverted


def trust(document: Document, principals: Mapping[str, frozenset[str]], permission: Permission) -> Verdict:
    """The verdict of a role's trust policy on a principal.

    principals: the principal's names, by kind (`AWS`, `Service`). Trust policies name no resource.
    """
    return _verdict(
        statement
        for statement in statements(document)
        if _names_one_of(principals, statement)
        and _action_matches(statement, permission.action)
        and conditions.hold(statement.get("Condition", {}), permission.context)
    )


def resource_policy(document: Document, principals: Mapping[str, frozenset[str]], permission: Permission) -> Verdict:
    """The verdict of a resource's own policy, such as a bucket's, on a principal (see `trust`)."""
    return _verdict(
        statement
        for statement in statements(document)
        if _names_one_of(principals, statement) and applies(statement, permission)
    )


def _names_one_of(principals: Mapping[str, frozenset[str]], statement: Statement) -> bool:
    named = statement.get("Principal", {})
    if named == "*":
        return True
    return any(
        name == "*" or name in principals.get(kind, frozenset())
        for kind, names in named.items()
        for name in _as_list(names)
    )


def _as_list(value: Any) -> list[str]:
    """The value as a list: in policies, a single value need not be in one."""
    return [value] if isinstance(value, str) else [str(each) for each in value]
