"""How IAM policies decide: pure functions from policy documents and a question to a verdict.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and, for the elements,
reference_policies_elements.html next to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sandbox.cloud import conditions

Document = Mapping[str, Any]
Statement = Mapping[str, Any]


class Verdict(Enum):
    """A verdict: allow, a deny that nothing overrides, or nothing (which is a deny in the end)."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True)
class Question:
    """May this be done? action: `service:Operation`; resource: an ARN, or `*`; context: condition keys' values."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Document:
    """A policy document from its JSON text."""
    document: Document = json.loads(text)
    return document


def judge(documents: Iterable[Document], question: Question) -> Verdict:
    """The verdict of identity policies together: an explicit deny anywhere wins, then an allow.

    Raises conditions.UnknownConditionError when a statement that matters has a condition we cannot evaluate.
    """
    verdict = Verdict.SILENT
    for document in documents:
        for statement in statements(document):
            if not applies(statement, question):
                continue
            if statement["Effect"] == "Deny":
                return Verdict.DENIED
            verdict = Verdict.ALLOWED
    return verdict


def statements(document: Document) -> list[Statement]:
    """The statements of a document; a single one need not be in a list."""
    found = document["Statement"]
    return [found] if isinstance(found, Mapping) else list(found)


def applies(statement: Statement, question: Question) -> bool:
    """Whether a statement of an identity policy applies to the question."""
    return (
        _action_matches(statement, question.action)
        and _resource_matches(statement, question)
        and conditions.hold(statement.get("Condition", {}), question.context)
    )


def _action_matches(statement: Statement, action: str) -> bool:
    inverted = "NotAction" in statement
    patterns = listed(statement["NotAction" if inverted else "Action"])
    # Actions are compared without regard to case.
    return any(matches(pattern.lower(), action.lower()) for pattern in patterns) != inverted


def _resource_matches(statement: Statement, question: Question) -> bool:
    inverted = "NotResource" in statement
    patterns = listed(statement.get("NotResource" if inverted else "Resource", []))
    found = any(matches(conditions.substitute(pattern, question.context), question.resource) for pattern in patterns)
    return found != inverted


def trust(document: Document, principals: Mapping[str, frozenset[str]], question: Question) -> Verdict:
    """The verdict of a role's trust policy about a principal.

    principals: the principal's names, by kind (`AWS`, `Service`). Trust policies name no resource.
    """
    verdict = Verdict.SILENT
    for statement in statements(document):
        if not _names(statement.get("Principal", {}), principals):
            continue
        if not _action_matches(statement, question.action):
            continue
        if not conditions.hold(statement.get("Condition", {}), question.context):
            continue
        if statement["Effect"] == "Deny":
            return Verdict.DENIED
        verdict = Verdict.ALLOWED
    return verdict


def resource_policy(document: Document, principals: Mapping[str, frozenset[str]], question: Question) -> Verdict:
    """The verdict of a resource's own policy, such as a bucket's, about a principal (see `trust`)."""
    verdict = Verdict.SILENT
    for statement in statements(document):
        if _names(statement.get("Principal", {}), principals) and applies(statement, question):
            if statement["Effect"] == "Deny":
                return Verdict.DENIED
            verdict = Verdict.ALLOWED
    return verdict


def _names(wanted: Any, principals: Mapping[str, frozenset[str]]) -> bool:
    if wanted == "*":
        return True
    return any(
        name == "*" or name in principals.get(kind, frozenset())
        for kind, names in wanted.items()
        for name in listed(names)
    )


def listed(value: Any) -> list[str]:
    """A list: policies write a single value without one."""
    return [value] if isinstance(value, str) else [str(each) for each in value]


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` for any characters, colons and slashes too, `?` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None
