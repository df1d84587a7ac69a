"""Small changes that break a file: an inverted comparison, a condition that always holds, a missing line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
NO_BEHAVIOUR = ("if TYPE_CHECKING:", "if __name__ == ", "__all__ = ")
WORDS = {"summary", "look_at", "title", "description", "what", "help"}
"""Arguments whose text is only read by people."""


@dataclass(frozen=True)
class Change:
    """One change. line: where. what: a description. text: the whole file after it."""

    line: int
    what: str
    text: str


def changes(name: str, text: str) -> Iterator[Change]:
    """All changes of a file: of the expressions of Python code, of the lines of any other file."""
    return _of_python(text) if name.endswith(".py") else _of_lines(text)


def _of_lines(text: str) -> Iterator[Change]:
    """The text without each of its lines in turn, except comments and a template's block statements."""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith(("#", ";", "{%", "{#")):
            yield Change(at + 1, f"without: {line.strip()[:90]}", "".join(lines[:at] + lines[at + 1 :]))


def _of_python(text: str) -> Iterator[Change]:
    """The text with each expression broken in turn; the rest of the text stays the same."""
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    raw = text.encode()
    for node, broken in _broken(tree):
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before, after = raw[first:last].decode(), broken
        if isinstance(node, ast.expr):
            after = f"({after})"
        what = f"{' '.join(before.split())[:70]} → {' '.join(after.split())[:70]}"
        changed = (raw[:first] + after.encode() + raw[last:]).decode()
        try:
            ast.parse(changed)
        except SyntaxError:  # inside an f-string, or a pattern
            continue
        yield Change(node.lineno, what, changed)


def _broken(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    passed_over = set(_not_broken(tree))
    for node in ast.walk(tree):
        if id(node) not in passed_over and isinstance(node, ast.expr | ast.stmt):
            yield from ((node, broken) for broken in _variants(node))
            if isinstance(node, ast.If) and not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
                yield node.test, f"not ({ast.unparse(node.test)})"


def _not_broken(tree: ast.Module) -> Iterator[int]:
    """Nodes (by `id()`) that make no difference to a machine: docstrings, error messages, annotations, parts of
    f-strings."""
    for node in ast.walk(tree):
        skipped: list[ast.AST | None] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped = [node]
        elif isinstance(node, ast.Raise):
            skipped = [node.exc]
        elif isinstance(node, ast.JoinedStr):
            skipped = [part for part in node.values if isinstance(part, ast.Constant)]
            skipped += [part.format_spec for part in node.values if isinstance(part, ast.FormattedValue)]
        elif isinstance(node, ast.AnnAssign | ast.arg):
            skipped = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            skipped = [node.returns]
        elif isinstance(node, ast.keyword) and node.arg in WORDS:
            skipped = [node.value]
        elif isinstance(node, ast.If | ast.Assign) and ast.unparse(node).startswith(NO_BEHAVIOUR):
            skipped = [node]
        for each in skipped:
            if each is not None:
                yield from (id(inner) for inner in ast.walk(each))


def _variants(node: ast.expr | ast.stmt) -> Iterator[str]:  # noqa: PLR0912 - one case each
    match node:
        case ast.Compare(left, [operator], [right]):
            other = COMPARISONS[type(operator)]()
            yield ast.unparse(ast.Compare(left, [other], [right]))
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC:
            yield ast.unparse(ast.BinOp(left, ARITHMETIC[type(operator)](), right))
        case ast.BoolOp(operator, values):
            yield ast.unparse(ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values))
        case ast.UnaryOp(ast.Not(), operand):
            yield ast.unparse(operand)
        case ast.Constant(bool() as value):
            yield repr(not value)
        case ast.Constant(int() | float() as value):
            yield repr(value + 1)
        case ast.Constant(str() as value):
            yield repr(value + "x")
        case ast.IfExp(_, body, other):
            yield ast.unparse(body)
            yield ast.unparse(other)
        case ast.Expr(ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "pass" if isinstance(node.value, ast.Call) else "yield from ()"
        case ast.AugAssign():
            yield "pass"
        case ast.Return(ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"
        case ast.Call(_, _, [_, *_] as keywords):
            for keyword in keywords:
                if keyword.arg and keyword.arg not in WORDS:
                    rest = [each for each in keywords if each is not keyword]
                    yield ast.unparse(ast.Call(node.func, node.args, rest))
        case _:
            pass
    if isinstance(node, ast.Raise):
        yield "pass"
