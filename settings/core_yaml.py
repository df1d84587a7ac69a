"""YAML as Pulumi reads it, for stacks' files and files of hosts."""

from __future__ import annotations

import re
from typing import Any

import yaml

from settings.mistakes import named

DEEPEST = 16
"""Levels of lists and objects. The deepest file is a stack's, whose values have up to 12 (settings/mistakes.py)."""
LONGEST_NUMBER = 1000
"""Digits of an integer. In bases other than ten Python reads longer ones, and then fails to print them."""
LARGEST_EXPANDED = 4_000_000
"""Characters of all keys and values; what is behind an alias counts each time."""


class BrokenYamlError(Exception):
    """A text that cannot be used. wrong: such as "is not valid YAML at line 3". instead: what to write; empty if that
    depends on the file."""

    def __init__(self, wrong: str, instead: str = "") -> None:
        super().__init__(wrong)
        self.wrong, self.instead = wrong, instead


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, which Pulumi reads (gopkg.in/yaml.v3): `no` and `04:00` are text.

    It refuses what is nested too deep, before PyYAML spends minutes on it: with each level every token costs more.
    """

    level = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.level > DEEPEST:
            raise BrokenYamlError("has too many levels of nested lists and objects")
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001 - as PyYAML calls it
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError):  # PyYAML's, for a value that does not fit its tag
            wrong = f"has a value at line {node.start_mark.line + 1} that is not of its type"
            raise BrokenYamlError(wrong, "write it in quotes, without a tag") from None


CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """An integer as in yaml.org/spec/1.2.2, 10.3.2: only 0o and 0x are other bases; PyYAML itself reads 022 as 18."""
    text = str(loader.construct_scalar(node))
    if len(text) > LONGEST_NUMBER:
        raise ValueError
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


CoreLoader.add_constructor("tag:yaml.org,2002:int", _integer)


def load(text: str) -> Any:
    """The content of a file; None if it is empty. Raises BrokenYamlError."""
    loader, node = composed(text)
    return None if node is None else constructed(loader, node)


def composed(text: str) -> tuple[CoreLoader, yaml.Node | None]:
    """The document in the text. Raises BrokenYamlError, also if it repeats a key or expands to more than
    LARGEST_EXPANDED."""
    try:
        loader = CoreLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise BrokenYamlError(f"is not valid YAML{_where(error)}") from None
    except (ValueError, OverflowError):  # "\\U00110000"
        raise BrokenYamlError("has a character that does not exist", "write another one") from None
    if node and _size(node, {}) > LARGEST_EXPANDED:
        raise BrokenYamlError("repeats aliases of aliases until it is enormous", "write the values themselves")
    if node:
        _once(node)
    return loader, node


def constructed(loader: CoreLoader, node: yaml.Node) -> Any:
    """The value of a part of the document. Raises BrokenYamlError."""
    try:
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise BrokenYamlError(f"is not valid YAML{_where(error)}") from None


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" at line {mark.line + 1}" if mark else ""


def _size(node: yaml.Node, known: dict[int, float]) -> float:
    """The number of characters and nodes with every alias expanded; infinite for one that contains itself."""
    if isinstance(node, yaml.ScalarNode):
        return 1 + len(node.value)
    if id(node) not in known:
        known[id(node)] = float("inf")
        flat = (one for each in node.value for one in (each if isinstance(each, tuple) else (each,)))
        known[id(node)] = 1 + sum(_size(one, known) for one in flat)
    return known[id(node)]


def _once(node: yaml.Node) -> None:
    """Raises BrokenYamlError for a repeated key, of which PyYAML takes the last, and for keys that are not text."""
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise BrokenYamlError(f"has a key at line {line} that is not text", "write it in quotes")
            if key.value in keys:
                raise BrokenYamlError(f"has {named(key.value)} twice, again at line {line}", "write each once")
            keys.add(key.value)
            _once(value)
    for inner in node.value if isinstance(node, yaml.SequenceNode) else ():
        _once(inner)
