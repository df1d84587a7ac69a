"""Names that must be unique within an AWS account."""

from __future__ import annotations

import pulumi


def parameter_folder(stack: str, role: str) -> str:
    """The path of a stack's parameters. The stack's name in it is for people; the role's name makes it unique, because
    IAM allows a name once per account: a stack of the same name in another project or backend has another path."""
    return f"/monitoring/{stack}.{role}"


def machine() -> str:
    """The server's name: its tag `host` in its own measurements, and its Name tag in AWS."""
    return f"monitoring-{pulumi.get_stack()}"
