"""The names of what must be distinguishable within an AWS account."""

from __future__ import annotations

import pulumi


def parameter_folder(stack: str, role: str) -> str:
    """Where a stack's parameters lie. Its own name is for people; the name of its role is what no other stack in the
    account has, because IAM gives a name once: a namesake, in whichever project or backend, has another path."""
    return f"/monitoring/{stack}.{role}"


def machine() -> str:
    """The server's name: its tag `host` in its own measurements, and its Name tag in AWS."""
    return f"monitoring-{pulumi.get_stack()}"
