"""Runs of services, and the server as AWS describes it."""

from __future__ import annotations

from tests.live.environment import Environment
from tests.support.waiting import eventually

BOOT_SCRIPT = "/usr/local/sbin/monitoring-server"


def run_of(environment: Environment, machine: str, unit: str) -> str:
    """Identifies the run of a service; "0" when it does not run."""
    return environment.machine(machine, "systemctl", "show", "-p", "MainPID", "--value", unit).stdout.strip()


def kill(environment: Environment, machine: str, unit: str) -> None:
    """kill -9 of a service; returns when another run of it is there."""
    before = run_of(environment, machine, unit)
    killed = environment.machine(machine, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", unit)
    assert killed.returncode == 0, killed.stderr
    assert eventually(lambda: run_of(environment, machine, unit) not in ("0", before)), unit


def described(environment: Environment, instance: str) -> tuple[str, str]:
    """Image and data volume of a server."""
    (found,) = environment.aws("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    mapped = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in found["BlockDeviceMappings"]}
    return found["ImageId"], mapped["/dev/sdf"]
