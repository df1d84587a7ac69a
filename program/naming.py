"""Names that must be unique within an AWS account."""

from __future__ import annotations

import pulumi


def parameter_folder(stack: str, role: str) -> str:
    """The path of a stack's parameters. It has the stack's name for people, and the role's name, which is unique in the
    account: a stack with the same name in another project or backend has another path."""
    return f"/monitoring/{stack}.{role}"


def machine() -> str:
    """The server's name: its tag `host` in its own measurements, and its Name tag in AWS."""
    return f"monitoring-{pulumi.get_stack()}"
