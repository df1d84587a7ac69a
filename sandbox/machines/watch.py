"""The daemon's loop, which makes the machines match EC2 and the on-premise declaration once a second."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Executor

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.cloud import changes
from sandbox.errors import SandboxError
from sandbox.machines import databases, firewall, fleet, on_premise, volumes
from sandbox.machines.aws import Aws, Regions
from sandbox.machines.databases import Database, DatabaseKeeper
from sandbox.machines.fleet import Fleet, Instance
from sandbox.machines.instance import InstanceKeeper
from sandbox.machines.machine import Machine
from sandbox.place import Place

POLL_SECONDS = 1.0
SETTLED_SECONDS = 15
"""How long EC2 is polled in each turn after a change: instances move on to other states by themselves."""
IDLE_SECONDS = 5
"""How often EC2 is polled otherwise. Six requests a second were two fifths of an idle environment's CPU time."""

log = logging.getLogger("machines")


class Watch:
    """Reconciles the machines of one place; `turn` does so once."""

    def __init__(self, place: Place, aws: Aws, regions: Regions, executor: Executor) -> None:
        self.place = place
        self.aws = aws
        self.regions = regions
        self.executor = executor
        self.instances: dict[str, InstanceKeeper] = {}
        self.hosts: dict[str, on_premise.HostKeeper] = {}
        self.databases: dict[str, DatabaseKeeper] = {}
        self._attachments = volumes.Attachments(place)
        self._fleets: dict[str, Fleet] = {}
        self._databases: dict[str, tuple[Database, ...]] = {}
        self._firewall = ""
        self._complaint = ""
        self._asked = -float("inf")

    def run(self, stopping: threading.Event) -> None:
        """Loop until `stopping` is set. An error is logged once, and the next turn tries again."""
        while not stopping.wait(POLL_SECONDS):
            try:
                self.turn()
                self._complaint = ""
            except (SandboxError, BotoCoreError, ClientError) as error:
                if str(error) != self._complaint:
                    log.error("%s", error)
                self._complaint = str(error)

    def turn(self) -> None:
        """Check everything once and start what has to be done; booting and stopping run in the background.

        Raises SandboxError, and botocore's errors when AWS does not answer; then the machines stay as they are.
        """
        if self._due():
            for region in self.regions.next():
                self._read(region)
            self._enforce()
            self._asked = time.monotonic()
        instances = {one.id: one for found in self._fleets.values() for one in found.instances}
        for instance in instances.values():
            self._keep(instance)
        for identity in self.instances.keys() - instances.keys():
            self.instances[identity].remove()
        self._keep_hosts()
        self._keep_databases()
        self.instances = {name: keeper for name, keeper in self.instances.items() if not keeper.removed}
        self.hosts = {name: keeper for name, keeper in self.hosts.items() if not keeper.removed}

    def _due(self) -> bool:
        """Whether to poll EC2 in this turn. An AWS that does not record its changes is polled in each turn."""
        recorded = changes.file(self.place)
        settled = recorded.exists() and time.time() - recorded.stat().st_mtime > SETTLED_SECONDS
        return not settled or time.monotonic() - self._asked >= IDLE_SECONDS

    def _read(self, region: str) -> None:
        old = self._fleets.get(region, Fleet())
        there = self._databases[region] = databases.read(self.aws, region, self._databases.get(region, ()))
        new = fleet.read(self.aws.ec2(region), region, self.place, old, used=bool(there))
        self._fleets[region] = new
        for volume in old.volumes - new.volumes:
            volumes.delete(self.place, volume)
        (self.regions.active.add if new != Fleet() else self.regions.active.discard)(region)

    def _enforce(self) -> None:
        """Load the firewall for what EC2 says now into the kernel, if it differs from the last one."""
        groups = {name: group for found in self._fleets.values() for name, group in found.groups.items()}
        alive = [
            one
            for found in self._fleets.values()
            for one in found.instances
            if one.state not in ("stopped", "terminated")
        ]
        alive += [each.as_instance for there in self._databases.values() for each in there]
        text = firewall.render(self.place, alive, groups)
        if text != self._firewall:
            firewall.apply(text)
            self._firewall = text

    def _keep(self, instance: Instance) -> None:
        keeper = self.instances.get(instance.id)
        if keeper is None:
            if instance.state == "terminated" or instance.address is None:
                return
            if instance.address not in self.place.vpc:
                raise SandboxError(f"{instance.id}: its address {instance.address} is not in the VPC {self.place.vpc}.")
            if any(other.machine.address == instance.address for other in self.instances.values()):
                return  # the previous machine of its network interface is still being shut down
            machine = Machine(self.place, instance.id, instance.address)
            keeper = InstanceKeeper(machine, self.executor, self.aws, instance, self._attachments)
            self.instances[instance.id] = keeper
        keeper.turn(instance)

    def _keep_databases(self) -> None:
        there = {each.id: each for found in self._databases.values() for each in found}
        for id_, database in there.items():
            if id_ not in self.databases:
                self.databases[id_] = DatabaseKeeper(self.place, self.executor, self.aws, database)
            self.databases[id_].turn()
        for id_ in self.databases.keys() - there.keys():
            self.databases.pop(id_).remove()
        if there:
            machines = [keeper.machine for keeper in (*self.instances.values(), *self.hosts.values())]
            databases.add_names(there.values(), machines)

    def _keep_hosts(self) -> None:
        declared = {host.name: host for host in on_premise.declared(self.place)}
        for host in declared.values():
            if host.name not in self.hosts:
                machine = Machine(self.place, host.name, host.address)
                self.hosts[host.name] = on_premise.HostKeeper(machine, self.executor, host)
            self.hosts[host.name].turn()
        for name in self.hosts.keys() - declared.keys():
            self.hosts[name].remove()
