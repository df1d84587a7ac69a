"""An instance's state, and waiting for it to change."""

from __future__ import annotations

from typing import Any

from sandbox.plugins.aws.resource import Ec2Resource, or_gone
from sandbox.plugins.base import Properties

GONE = ("InvalidInstanceID.NotFound",)


def find(instance: Ec2Resource, id_: str, properties: Properties) -> dict[str, Any] | None:
    """The instance as AWS describes it, None if it does not exist (any more)."""
    ec2 = instance.ec2(properties)
    answer = or_gone(lambda: ec2.describe_instances(InstanceIds=[id_]), *GONE)
    found = [each for one in answer["Reservations"] for each in one["Instances"]] if answer else []
    return found[0] if found else None


def wait_for(instance: Ec2Resource, id_: str, properties: Properties, state: str, seconds: float) -> None:
    """Wait until the instance is in the state."""

    def reached() -> bool | None:
        found = find(instance, id_, properties)
        current = found["State"]["Name"] if found else "terminated"
        return True if current == state else None

    instance.wait(f"{id_} to be {state}", reached, seconds)
