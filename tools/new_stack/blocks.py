"""The text of a stack's file in blocks: each setting as written, with the comment above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def blocks(text: str) -> dict[str, str]:
    """Key → lines of each setting below `config:`. Empty if the settings are not on lines of their own."""
    root = yaml.compose(text, yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    config = next((value for key, value in pairs if key.value == "config"), None)
    if not isinstance(config, yaml.MappingNode) or config.flow_style:
        return {}
    lines = text.splitlines()
    starts = {key.start_mark.line: key for key, _ in config.value}
    return {str(key.value): _block(lines, line, key.start_mark.column) for line, key in starts.items()}


def _block(lines: list[str], start: int, column: int) -> str:
    """The line, the comment lines right above it, and its continuation lines."""
    first = start
    while first and lines[first - 1].strip().startswith("#") and _indent(lines[first - 1]) == column:
        first -= 1
    end = start + 1
    while end < len(lines) and _continues(lines[end], column):
        end += 1
    return "\n".join(lines[first:end]).rstrip()


def _continues(line: str, column: int) -> bool:
    """Whether a line belongs to the setting above it. A list can be as far left as its key."""
    return not line.strip() or _indent(line) > column or line[column:].startswith("- ")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def written(key: str, value: Any) -> str:
    """A setting as a block; on one line, as people write it, unless it is nested."""
    elements = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if any(isinstance(each, Mapping | list) for each in elements):
        dumped = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=1000).rstrip()
        return "\n".join(f"  {line}" for line in dumped.splitlines())
    return f"  {key}: {_flow(value)}"


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
