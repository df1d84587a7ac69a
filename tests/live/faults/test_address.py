"""Somebody detaches the elastic IP, moves it to another instance or releases it: what restores it, and what is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.live.environment import Environment
from tests.live.points import HOSTS, INTERVAL, counts, lost, steady
from tests.live.stacks import refresh_or_fail, up_or_fail

pytestmark = [pytest.mark.live, pytest.mark.long_fault]


def address(environment: Environment) -> dict[str, Any]:
    """The elastic IP as AWS describes it."""
    allocation = next(each["id"] for each in environment.resources() if each["type"] == "aws:ec2/eip:Eip")
    (found,) = environment.aws("ec2").describe_addresses(AllocationIds=[allocation])["Addresses"]
    return dict(found)


ASSOCIATION, ADDRESS = "**eipAssociation:EipAssociation**", "**eip:Eip**"
"""Resources, for the options `--target` and `--replace`."""


def refresh(environment: Environment, *targets: str) -> None:
    """Run `pulumi refresh` for these resources only."""
    arguments = [argument for each in targets for argument in ("--target", each)]
    refresh_or_fail(environment, *arguments)


def detach(environment: Environment) -> Callable[[], None]:
    """Detach the address; returns a cleanup."""
    environment.aws("ec2").disassociate_address(AssociationId=address(environment)["AssociationId"])
    return lambda: None


def move_to_another_instance(environment: Environment) -> Callable[[], None]:
    """Move the address to a new instance; returns a cleanup that terminates it."""
    ec2 = environment.aws("ec2")
    server = ec2.describe_instances(InstanceIds=[environment.instance_id])["Reservations"][0]["Instances"][0]
    (other,) = ec2.run_instances(
        ImageId=server["ImageId"], InstanceType="t3.nano", MinCount=1, MaxCount=1, SubnetId=server["SubnetId"]
    )["Instances"]
    ec2.associate_address(AllocationId=address(environment)["AllocationId"], InstanceId=other["InstanceId"])
    return lambda: ec2.terminate_instances(InstanceIds=[other["InstanceId"]])


def refresh_and_up(environment: Environment) -> None:
    """Pulumi reads the association, and creates what is missing."""
    # The whole stack cannot be refreshed, as Grafana is out of reach.
    whole = environment.pulumi("refresh", "--yes", "--skip-preview")
    assert whole.returncode != 0
    assert "cannot reach Grafana" in whole.stdout
    refresh(environment, ASSOCIATION)
    assert environment.preview() == {"create": ["server"]}
    up_or_fail(environment)


def replace_association(environment: Environment) -> None:
    """Pulumi creates the association again without reading it."""
    up_or_fail(environment, "--replace", ASSOCIATION)


@pytest.mark.parametrize(
    ("move", "repair"),
    [(detach, refresh_and_up), (move_to_another_instance, replace_association)],
    ids=["detached", "moved to another instance"],
)
def test_a_moved_address_is_restored_and_agents_deliver_what_they_kept(
    environment: Environment,
    move: Callable[[Environment], Callable[[], None]],
    repair: Callable[[Environment], None],
) -> None:
    steady(environment)
    began, before = time.time(), address(environment)
    end = move(environment)
    try:
        # Pulumi trusts its state until it is asked to refresh.
        assert environment.preview() == {}
        repair(environment)
        after = address(environment)
        assert (after["PublicIp"], after["InstanceId"]) == (before["PublicIp"], environment.instance_id)
        assert after["AssociationId"] != before["AssociationId"]
        print(f"away for {time.time() - began:.0f} s")
        assert lost(environment, began) == dict.fromkeys(HOSTS, 0)
        assert environment.preview() == {}
    finally:
        end()


def test_a_released_address_is_replaced_and_everything_uses_the_new_one(environment: Environment) -> None:
    steady(environment)
    began, before = time.time(), address(environment)
    kept = counts(environment, began - 60, began - 20)
    ec2 = environment.aws("ec2")
    ec2.disassociate_address(AssociationId=before["AssociationId"])
    ec2.release_address(AllocationId=before["AllocationId"])
    # Now somebody else has it.
    taken = ec2.allocate_address(Domain="vpc")
    try:
        refresh(environment, ADDRESS, ASSOCIATION)
        up_or_fail(environment)
        away, after = time.time() - began, address(environment)
        assert after["PublicIp"] != before["PublicIp"]
        assert after["PublicIp"] in environment.outputs["grafanaUrl"]
        assert after["PublicIp"] in environment.outputs["influxdbUrl"]
        assert environment.grafana.get("/api/org").status_code == 200
        for uid in ("influxdb", "cloudwatch"):
            health = environment.grafana.get(f"/api/datasources/uid/{uid}/health")
            assert health.json()["status"] == "OK", health.text
        assert counts(environment, began - 60, began - 20) == kept
        found = lost(environment, began)
        # Agents restart with the new address, and lose no more than what they kept in memory for the old one.
        assert all(found[host] <= away / INTERVAL + 2 for host in HOSTS), (found, away)
        assert environment.preview() == {}
    finally:
        ec2.release_address(AllocationId=taken["AllocationId"])
