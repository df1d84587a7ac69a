"""Evaluates GitHub's expressions, in `${{ }}` and in `if:`, as far as the workflows use them.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions: `&&` and `||` return one of their
operands, strings are compared case-insensitively, a missing property is null, and an `if` without a status function
means `success() && (…)`. Anything else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<op>&&|\|\||==|!=|[!().,*\[\]]))"
)
LITERALS = {"true": True, "false": False, "null": None}
STATUS = re.compile(r"\b(success|always|cancelled|failure)\s*\(")

Functions = Mapping[str, Callable[..., Any]]


class UnknownError(Exception):
    """An expression that this evaluator does not know, or that GitHub would refuse."""


class _Parser:
    def __init__(self, source: str, contexts: Mapping[str, Any], functions: Functions) -> None:
        self.tokens, self.contexts, self.functions = _tokens(source), contexts, functions
        self.source, self.at = source, 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        if self.at >= len(self.tokens) or (wanted and self.tokens[self.at][1] != wanted):
            raise UnknownError(f"{self.source!r}: expected {wanted or 'more'} at {self.peek() or 'the end'}")
        self.at += 1
        return self.tokens[self.at - 1]

    def disjunction(self) -> Any:
        value = self.conjunction()
        while self.peek() == "||":
            self.take()
            other = self.conjunction()
            value = value if true(value) else other
        return value

    def conjunction(self) -> Any:
        value = self.comparison()
        while self.peek() == "&&":
            self.take()
            other = self.comparison()
            value = other if true(value) else value
        return value

    def comparison(self) -> Any:
        value = self.negation()
        while self.peek() in ("==", "!="):
            operator = self.take()[1]
            same = _same(value, self.negation())
            value = same if operator == "==" else not same
        return value

    def negation(self) -> Any:
        if self.peek() == "!":
            self.take()
            return not true(self.negation())
        return self.access()

    def access(self) -> Any:
        value = self.primary()
        while self.peek() in (".", "["):
            if self.take()[1] == "[":
                value = _part(value, self.disjunction())
                self.take("]")
            elif self.peek() == "*":
                self.take()
                value = list(value or [])
            else:
                name = self.take()[1]
                value = [_part(each, name) for each in value] if isinstance(value, list) else _part(value, name)
        return value

    def primary(self) -> Any:
        kind, token = self.take()
        if token == "(":
            value = self.disjunction()
            self.take(")")
            return value
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        if token in LITERALS:
            return LITERALS[token]
        if self.peek() == "(":
            return self.call(token)
        if kind == "name" and token in self.contexts:
            return self.contexts[token]
        raise UnknownError(f"{self.source!r}: {token} is not available here")

    def call(self, name: str) -> Any:
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.disjunction())
            if self.peek() == ",":
                self.take()
        self.take(")")
        known: dict[str, Callable[..., Any]] = {"contains": _contains, "fromJSON": json.loads, **self.functions}
        if name not in known:
            raise UnknownError(f"{self.source!r}: no function {name}")
        return known[name](*arguments)


def _tokens(source: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while source[at:].strip():
        match = TOKEN.match(source, at)
        if match is None:
            raise UnknownError(f"{source!r}: unknown syntax at {source[at:]!r}")
        found.append((str(match.lastgroup), match[match.lastgroup or 0]))
        at = match.end()
    return found


def true(value: Any) -> bool:
    """Whether GitHub treats a value as true: anything but false, 0, the empty string and null."""
    return value not in (None, False, 0, "")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return bool((one or "") == (other or "")) if None in (one, other) else bool(one == other)


def _part(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    return value[int(key)] if isinstance(value, list) and isinstance(key, float) else None


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_same(each, what) for each in where)
    return str(what).lower() in str(where or "").lower()


def value(source: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """The value of one expression, without its braces."""
    parser = _Parser(source, contexts, functions)
    found = parser.disjunction()
    if parser.peek():
        raise UnknownError(f"{source!r}: unexpected {parser.peek()}")
    return found


def filled(given: Any, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """A string with each `${{ }}` in it replaced; a single expression keeps its type. Other values stay as they are."""
    if not isinstance(given, str):
        return given
    if (whole := re.fullmatch(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", given, re.S)) is not None:
        return value(whole[1], contexts, functions)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: text(value(found[1], contexts, functions)), given, flags=re.S)


def text(found: Any) -> str:
    """A value as GitHub inserts it into a string."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, float):
        return f"{found:g}"
    return found if isinstance(found, str) else json.dumps(found)


def holds(condition: str | bool | None, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Whether an `if:` lets a job or a step run."""
    if condition is None:
        return bool(functions["success"]())
    source = str(condition).strip()
    if whole := re.fullmatch(r"\$\{\{(.*)\}\}", source, re.S):
        source = whole[1]
    found = true(value(source, contexts, functions))
    return found if STATUS.search(source) else found and bool(functions["success"]())
