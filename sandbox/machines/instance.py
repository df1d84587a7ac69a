"""An EC2 instance and the machine behind it: user data, key, volumes, shutdown, metrics."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Executor
from pathlib import Path

from sandbox.machines import fleet, guest, volumes
from sandbox.machines.aws import Aws
from sandbox.machines.fleet import Instance
from sandbox.machines.keeper import Keeper, reboot_request
from sandbox.machines.machine import Machine
from sandbox.machines.metrics import Meter
from sandbox.machines.ssm_agent import SsmAgent
from sandbox.machines.volumes import Attachments

FIRST_METRICS_SECONDS = 5
METRICS_SECONDS = 60
ANSWER_SECONDS = 3
"""After this time, what EC2 says about an instance is certainly newer than the instance's last change."""

log = logging.getLogger("machines")


class InstanceKeeper(Keeper):
    """Keeps the machine of one instance in the state that EC2 reports."""

    def __init__(
        self, machine: Machine, executor: Executor, aws: Aws, instance: Instance, attachments: Attachments
    ) -> None:
        super().__init__(machine, executor)
        self._attachments = attachments
        self._aws = aws
        self._instance = instance
        self._plugged: dict[str, str] = {}
        self._meter: Meter | None = None
        self._publish_at = 0.0
        self._stopped: float | None = None
        self._ssm = SsmAgent(machine, executor, instance.region)

    def turn(self, instance: Instance) -> None:
        """Must be called every second while the instance exists, with what EC2 says about it now."""
        self._instance = instance
        if instance.state in ("pending", "running"):
            self._record()
            if self._stopped is not None and time.monotonic() - self._stopped > ANSWER_SECONDS:
                # It shut itself down and was started again before its stopped state was polled.
                self._stopped = None
                reboot_request(self.machine.place, self.machine.id).touch()
            self.keep_running()
            if self.running:
                self._plug()
                self._ssm.turn()
            self._measure()
        elif instance.state == "terminated":
            self.remove()
        else:
            self.stop()

    def prepare(self) -> dict[str, Path]:
        machine, instance = self.machine, self._instance
        ec2 = self._aws.ec2(instance.region)
        machine.mount()
        provisioned = machine.folder / "provisioned"
        if not provisioned.exists():
            guest.provision_instance(machine.place, machine.root, machine.address, machine.id)
            provisioned.touch()
        keys = [fleet.public_key(ec2, instance.key_name)] if instance.key_name else []
        guest.write_seed(machine.root, machine.id, machine.address, fleet.user_data(ec2, machine.id), keys)
        # The others are plugged in later.
        free = [(disk, loop) for disk in instance.disks if (loop := self._attachments.take(disk, machine.id))]
        self._plugged = {disk.device: disk.volume for disk, _ in free}
        return {disk.device: loop for disk, loop in free}

    def powered_off(self) -> None:
        """Stop or terminate the instance of a machine that shut itself down, as the instance's attribute says."""
        super().powered_off()
        ec2 = self._aws.ec2(self._instance.region)
        behaviour = ec2.describe_instance_attribute(
            InstanceId=self.machine.id, Attribute="instanceInitiatedShutdownBehavior"
        )
        if behaviour.get("InstanceInitiatedShutdownBehavior", {}).get("Value") == "terminate":
            ec2.terminate_instances(InstanceIds=[self.machine.id])
        else:
            ec2.stop_instances(InstanceIds=[self.machine.id])
        self._stopped = time.monotonic()

    def released(self) -> None:
        super().released()
        for volume in self._plugged.values():
            self._attachments.release(volume)
        self._plugged = {}
        self._meter = None
        self._stopped = None

    def _plug(self) -> None:
        """Attach volumes to the running machine and detach them, as EC2 would: a device appears or disappears."""
        leader = self.machine.leader
        if leader is None:
            return
        wanted = {disk.device: disk for disk in self._instance.disks}
        for device, volume in list(self._plugged.items()):
            if device not in wanted or wanted[device].volume != volume:
                volumes.hot_unplug(leader, device)
                self._attachments.release(volume)
                del self._plugged[device]
                log.info("%s: volume %s detached from %s", self.machine.id, volume, device)
        for device, disk in wanted.items():
            loop = self._attachments.take(disk, self.machine.id)
            if loop is None:
                continue
            volumes.hot_plug(leader, loop, device)
            if device not in self._plugged:
                self._plugged[device] = disk.volume
                log.info("%s: volume %s attached as %s", self.machine.id, disk.volume, device)

    def _measure(self) -> None:
        """Publish metrics soon after the boot, and then every minute."""
        if self.booted is None:
            return
        now = time.monotonic()
        if self._meter is None:
            cpus = self._aws.virtual_cpus(self._instance.kind)
            self._meter = Meter(self.machine, self._instance.kind, cpus)
            self._publish_at = now + FIRST_METRICS_SECONDS
        if now < self._publish_at:
            return
        self._publish_at = now + METRICS_SECONDS
        loops = volumes.loops(self.machine.place)
        own = [loops[volume] for volume in self._plugged.values() if volume in loops]
        self._meter.publish(self._aws.cloudwatch(self._instance.region), own, healthy=self.healthy)

    def _record(self) -> None:
        """Update the facts by which other processes find the machine (name, addresses)."""
        instance = self._instance
        facts = {"region": instance.region, "name": instance.name, "type": instance.kind}
        if instance.public_address is not None:
            facts["public_address"] = str(instance.public_address)
        self.machine.record(**facts)
