"""What Pulumi accepts as a stack's name (sdk/go/common/tokens/stack_name.go)."""

from __future__ import annotations

import re

_PATTERN = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def is_valid(name: str) -> bool:
    """Whether a stack can be called that."""
    return bool(_PATTERN.fullmatch(name))


def refusal(name: str) -> str:
    """Why no stack can be called that."""
    return f"{name[:100]!r} is not a valid stack name: use 1 to 100 letters, digits, -, _ and periods"
