"""Patches that make moto as strict as AWS where it is more lenient. Each says what AWS does and what moto does.

`upstream` contains what moto itself should do: nothing in it depends on this environment, so each patch could be
offered to moto. `local` contains what only this environment needs: its addresses, images, machines and access control.
"""

from __future__ import annotations

from sandbox.cloud.patches.local import access, addresses, databases, images, machines, parameters, s3_access
from sandbox.cloud.patches.registry import REGISTRY
from sandbox.cloud.patches.upstream import (
    alarms,
    associations,
    boundaries,
    cloudwatch,
    deletion,
    dispatch,
    documents,
    elastic,
    instances,
    interfaces,
    keys,
    launch,
    route53,
    s3,
    ssm,
    timestream,
    trust,
)

__all__ = [
    "access",
    "addresses",
    "alarms",
    "apply",
    "associations",
    "boundaries",
    "cloudwatch",
    "databases",
    "deletion",
    "dispatch",
    "documents",
    "elastic",
    "images",
    "instances",
    "interfaces",
    "keys",
    "launch",
    "machines",
    "parameters",
    "route53",
    "s3",
    "s3_access",
    "ssm",
    "timestream",
    "trust",
    "undo",
]

apply = REGISTRY.apply
undo = REGISTRY.undo
