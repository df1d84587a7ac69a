"""A real machine: booted, rebooted, disconnected, stopped and removed. Needs root, but no environment that is up."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from sandbox.cloud import certificates
from sandbox.machines import cleanup, network, on_premise, preflight, volumes
from sandbox.machines.aws import Aws, Regions
from sandbox.machines.keeper import reboot_request
from sandbox.machines.machine import Machine
from sandbox.machines.watch import Watch
from sandbox.place import Place
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(preflight()), reason="; ".join(preflight()) or "this host can boot machines"),
]

REGION = "eu-north-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
USER_DATA = "#!/bin/sh\ntouch /root/user-data-ran\necho one >>/root/boots\n"


def greeting(address: IPv4Address, port: int = 22) -> str:
    """The greeting of the server on an address's port, as the host receives it; empty if nothing answers."""
    command = f"exec 3<>/dev/tcp/{address}/{port} && head -1 <&3"
    done = subprocess.run(["timeout", "1", "bash", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout.strip()


class Sandbox:
    """A separate place with a plain moto server, and the daemon's loop in a thread."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        network.claim_slot(place)
        network.create(place)
        folder = place.state / "cloud"
        folder.mkdir(parents=True, exist_ok=True)
        certificates.ensure(folder)
        moto = Path(sys.executable).with_name("moto_server")
        self.moto = subprocess.Popen(
            [moto, "-p", str(place.aws_port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        monkeypatch.setattr("sandbox.cloud.admin_credentials", lambda _: CREDENTIALS)
        self.ec2: EC2Client = boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=place.aws_url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        assert eventually(lambda: listening(place.aws_port))
        vpc = self.ec2.create_vpc(CidrBlock=str(place.vpc))["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock=str(place.vpc))["Subnet"]["SubnetId"]
        self.group = self.ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
        self.image = self.ec2.describe_images()["Images"][0]["ImageId"]
        self.executor = ThreadPoolExecutor(4)
        self.watch = Watch(place, Aws(place), Regions(place, [REGION]), self.executor)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.watch.run, args=(self.stopping,))
        self.thread.start()

    def launch(self, number: int) -> Machine:
        address = self.place.vpc.network_address + number
        found = self.ec2.run_instances(
            ImageId=self.image,
            InstanceType="t3.small",
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet,
            SecurityGroupIds=[self.group],
            PrivateIpAddress=str(address),
            UserData=USER_DATA,
        )
        return Machine(self.place, found["Instances"][0]["InstanceId"], address)

    def permission(self, cidr: str) -> dict[str, Any]:
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": cidr}]}
        return {"GroupId": self.group, "IpPermissions": [ssh]}

    def end(self) -> None:
        self.stopping.set()
        self.thread.join()
        cleanup(self.place)
        self.executor.shutdown()
        network.destroy(self.place)
        self.moto.terminate()
        self.moto.wait()


def listening(port: int) -> bool:
    """Whether something listens on the loopback port."""
    return not network._port_is_free(port)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        sandbox = Sandbox(Place(tmp_path_factory.mktemp("checkout"), "live"), monkeypatch)
        try:
            yield sandbox
        finally:
            sandbox.end()


@pytest.fixture(scope="module")
def machine(sandbox: Sandbox) -> Machine:
    machine = sandbox.launch(10)
    assert eventually(lambda: booted(machine))
    return machine


def booted(machine: Machine) -> bool:
    if machine.leader is None:
        return False
    return machine.run(["systemctl", "is-system-running"]).stdout.strip() == "running"


def tell(machine: Machine, script: str) -> str:
    """The output of a script in a root shell in the machine."""
    done = machine.run(["sh", "-c", script])
    return (done.stdout + done.stderr).strip()


def test_it_boots_as_an_ec2_instance_would(machine: Machine) -> None:
    assert tell(machine, "cloud-init status") == "status: done"
    assert tell(machine, "ls /root/user-data-ran") == "/root/user-data-ran"
    assert tell(machine, "hostname") == f"ip-{str(machine.address).replace('.', '-')}"
    assert tell(machine, "cat /sys/class/net/ens5/carrier") == "1"
    assert tell(machine, "cloud-init query instance_id") == machine.id
    assert eventually(lambda: "login:" in machine.console.read_text(errors="replace"))


def test_it_trusts_the_local_aws_as_if_update_ca_certificates_had_run(machine: Machine) -> None:
    update = "cp -a /etc/ssl/certs /tmp/before; update-ca-certificates --fresh >/dev/null 2>&1"
    assert tell(machine, f"{update}; grep -l . /tmp/before/sandbox-aws.pem") == "/tmp/before/sandbox-aws.pem"
    assert tell(machine, "diff -r --no-dereference /tmp/before /etc/ssl/certs && echo same") == "same"


def test_machines_share_no_identity(sandbox: Sandbox, machine: Machine) -> None:
    other = sandbox.launch(11)
    assert eventually(lambda: booted(other))
    for question in ("cat /etc/machine-id", "cat /etc/ssh/ssh_host_ed25519_key.pub"):
        assert tell(machine, question) != tell(other, question)
    sandbox.ec2.terminate_instances(InstanceIds=[other.id])
    assert eventually(lambda: not other.folder.exists())
    assert other.supervisor is None


def test_security_group_changes_take_effect_at_once(sandbox: Sandbox, machine: Machine) -> None:
    assert greeting(machine.address) == ""
    permission = sandbox.permission("198.18.0.0/15")
    sandbox.ec2.authorize_security_group_ingress(**permission)
    assert eventually(lambda: greeting(machine.address)).startswith("SSH-2.0-")
    sandbox.ec2.revoke_security_group_ingress(**permission)
    assert eventually(lambda: greeting(machine.address) == "")
    sandbox.ec2.authorize_security_group_ingress(**permission)
    assert eventually(lambda: greeting(machine.address))


def test_the_elastic_address_reaches_it(sandbox: Sandbox, machine: Machine) -> None:
    address = sandbox.place.elastic_addresses[0]
    allocation = sandbox.ec2.allocate_address(Domain="vpc", Address=str(address))["AllocationId"]
    assert greeting(address) == ""
    sandbox.ec2.associate_address(AllocationId=allocation, InstanceId=machine.id)
    assert eventually(lambda: greeting(address)).startswith("SSH-2.0-")


def test_it_reaches_only_three_ports_of_the_host(sandbox: Sandbox, machine: Machine) -> None:
    gateway = sandbox.place.gateway
    listener = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", str(gateway), "8099"], stderr=subprocess.DEVNULL
    )
    try:
        command = f"timeout 1 bash -c 'exec 3<>/dev/tcp/{gateway}/8099' && echo open || echo closed"
        assert eventually(lambda: subprocess.check_output(["sh", "-c", command], text=True).strip() == "open")
        assert tell(machine, command) == "closed"
    finally:
        listener.terminate()
        listener.wait()


def test_a_volume_attached_later_is_mounted_from_fstab_after_a_reboot(sandbox: Sandbox, machine: Machine) -> None:
    volume = sandbox.ec2.create_volume(Size=1, AvailabilityZone=f"{REGION}a")["VolumeId"]
    sandbox.ec2.attach_volume(VolumeId=volume, InstanceId=machine.id, Device="/dev/sdf")
    assert eventually(lambda: tell(machine, "test -b /dev/sdf && echo there"))
    fstab = "/dev/sdf /srv ext4 defaults,nofail 0 2"
    assert tell(machine, f"mkfs.ext4 -q /dev/sdf && echo '{fstab}' >>/etc/fstab && mount /srv") == ""
    tell(machine, "echo kept >/srv/file; sync")
    leader = machine.leader
    reboot_request(sandbox.place, machine.id).touch()
    assert eventually(lambda: machine.leader not in (None, leader))
    assert eventually(lambda: booted(machine))
    assert tell(machine, "findmnt --noheadings --output SOURCE /srv") == "/dev/sdf"
    assert tell(machine, "cat /srv/file") == "kept"
    assert tell(machine, "systemctl is-active srv.mount") == "active"
    assert tell(machine, "cat /root/boots") == "one", "user data runs only at the first boot"


def test_a_pulled_cable_and_lost_power(sandbox: Sandbox, machine: Machine) -> None:
    machine.cut_network()
    assert greeting(machine.address) == ""
    assert tell(machine, "cat /sys/class/net/ens5/carrier") == "0"
    machine.restore_network()
    assert eventually(lambda: greeting(machine.address))
    machine.power_off()
    assert machine.supervisor is None
    time.sleep(2)
    assert machine.supervisor is None, "it must not boot by itself"
    reboot_request(sandbox.place, machine.id).touch()
    assert eventually(lambda: greeting(machine.address))


def test_its_metrics_are_in_cloudwatch(sandbox: Sandbox, machine: Machine) -> None:
    cloudwatch = sandbox.watch.aws.cloudwatch(REGION)
    wanted = {"CPUUtilization", "NetworkIn", "StatusCheckFailed", "EBSWriteOps", "CPUCreditBalance"}

    def published() -> set[str]:
        return {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="AWS/EC2")["Metrics"]}

    assert eventually(lambda: wanted <= published())


def test_stop_start_and_shutdown_from_inside(sandbox: Sandbox, machine: Machine) -> None:
    sandbox.ec2.stop_instances(InstanceIds=[machine.id])
    assert eventually(lambda: machine.supervisor is None and not machine.root.is_mount())
    assert eventually(lambda: not volumes.loops(sandbox.place))
    sandbox.ec2.start_instances(InstanceIds=[machine.id])
    assert eventually(lambda: booted(machine))
    assert tell(machine, "cat /srv/file") == "kept"
    tell(machine, "systemctl poweroff")

    def state() -> str:
        answer = sandbox.ec2.describe_instances(InstanceIds=[machine.id])
        return answer["Reservations"][0]["Instances"][0]["State"]["Name"]

    assert eventually(lambda: state() == "stopped")
    sandbox.ec2.start_instances(InstanceIds=[machine.id])
    assert eventually(lambda: booted(machine))


def test_an_on_premise_host_is_reachable_over_ssh(sandbox: Sandbox, tmp_path: Path) -> None:
    address = sandbox.place.on_premise_addresses[0]
    host = Machine(sandbox.place, "office-1", address)
    on_premise.declare(sandbox.place, [on_premise.Host("office-1", address)])
    assert eventually(lambda: greeting(address))
    known = tmp_path / "known_hosts"
    known.write_text(f"{address} {(host.folder / 'host_key.pub').read_text()}")
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
    login = ["ssh", *options, "-i", str(on_premise.user_key(host)), f"debian@{address}"]

    def said() -> str:
        return subprocess.run([*login, "sudo id -un; hostname"], capture_output=True, text=True, check=False).stdout

    # The SSH server listens before systemd lets users in (pam_nologin).
    assert eventually(said).split() == ["root", "office-1"]
    on_premise.declare(sandbox.place, [])
    assert eventually(lambda: not host.folder.exists())


def test_cleanup_where_nothing_is_up_leaves_the_slot_s_owner_alone(sandbox: Sandbox) -> None:
    """`make down` where nothing is up: another checkout may have the slot that this path prefers."""
    stranger = Place(sandbox.place.checkout, "stranger")
    stranger.__dict__["slot"] = sandbox.place.slot
    cleanup(stranger)
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert f"inet {sandbox.place.bridge}\n" in tables


def test_cleanup_leaves_nothing_behind(sandbox: Sandbox, machine: Machine) -> None:
    """As after a kill -9 of the daemon, which leaves its machines running."""
    sandbox.stopping.set()
    sandbox.thread.join()
    assert machine.supervisor is not None
    cleanup(sandbox.place)
    assert Machine(sandbox.place, machine.id, machine.address).supervisor is None
    assert str(sandbox.place.state) not in Path("/proc/self/mounts").read_text()
    assert volumes.loops(sandbox.place) == {}
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert f"inet {sandbox.place.bridge}\n" not in tables
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{sandbox.place.bridge}"))
    cleanup(sandbox.place)
