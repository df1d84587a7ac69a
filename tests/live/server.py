"""Services on machines, and the server as AWS describes it."""

from __future__ import annotations

from tests.live.environment import Environment
from tests.support.waiting import eventually

BOOT_SCRIPT = "/usr/local/sbin/monitoring-server"


def main_pid(environment: Environment, machine: str, unit: str) -> str:
    """The PID of a service's main process; "" when the service or the machine is not running."""
    shown = environment.machine(machine, "systemctl", "show", "-p", "MainPID", "--value", unit).stdout.strip()
    return "" if shown == "0" else shown


def kill(environment: Environment, machine: str, unit: str) -> None:
    """kill -9 a service, and wait until systemd has started it again."""
    before = main_pid(environment, machine, unit)
    killed = environment.machine(machine, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", unit)
    assert killed.returncode == 0, killed.stderr
    assert eventually(lambda: main_pid(environment, machine, unit) not in ("", before)), unit


def wait_for_run(environment: Environment, unit: str) -> None:
    """Wait until a oneshot service on the server has ended, if it is running."""
    state = ("systemctl", "show", "-P", "ActiveState", unit)
    assert eventually(lambda: environment.guest(*state).stdout.strip() in ("inactive", "failed")), unit


def boot_id(environment: Environment) -> str:
    """Identifies the server's current boot; "" while it is off."""
    return environment.guest("cat", "/proc/sys/kernel/random/boot_id").stdout


def journal(environment: Environment, unit: str, since: float) -> str:
    """What a unit on the server has logged since a moment."""
    return environment.guest("journalctl", "-q", "-o", "cat", "-u", unit, f"--since=@{int(since)}").stdout


def image_and_volume(environment: Environment, instance: str) -> tuple[str, str]:
    """A server's image and data volume."""
    (found,) = environment.aws("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    mapped = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in found["BlockDeviceMappings"]}
    return found["ImageId"], mapped["/dev/sdf"]
