"""What agents measure on a host with containers: the real Telegraf, with every kind of mount and interface."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from dashboards.queries import WHOLE_DISKS
from sandbox import toolchain
from tests.userdata.examples import AGENT, TARGET, agent_config
from userdata.templates import FOLDER

pytestmark = pytest.mark.slow

ID = "0123456789abcdef" * 4
POD = "/var/lib/kubelet/pods/8f8b2a4e-4a34-4b7c-8f57-3f1d7c6a5b21"
CONTAINERS = {
    f"/var/lib/docker/overlay2/{ID}/merged": "overlay / rw",
    f"/data/docker/overlay2/{ID}/merged": "overlay / rw",
    f"/data/docker/zfs/graph/{ID}": "zfs / rw",
    f"/data/docker/devicemapper/mnt/{ID}": "xfs / rw",
    f"/var/snap/docker/common/var-lib-docker/aufs/mnt/{ID}": "aufs / rw",
    f"/home/me/.local/share/containers/storage/overlay/{ID}/merged": "fuse.fuse-overlayfs / rw",
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/a/rootfs": "overlay / rw",
    "/mnt/ro": "overlay / ro",
    "/var/lib/docker/btrfs": "btrfs /@/var/lib/docker/btrfs rw",
    f"{POD}/volumes/kubernetes.io~csi/pvc-1/mount": "ext4 / rw",
    "/data/kubelet/pods/8f8b2a4e/volume-subpaths/a": "ext4 /a rw",
    "/snap/core22/1380": "squashfs / ro",
    "/tmp/.mount_EditorXYZ": "fuse.Editor.AppImage / ro",
    "/run/docker/netns/default": "nsfs net:[4026532008] rw",
    f"/data/docker/containers/{ID}/mounts/shm": "tmpfs / rw",
    "/var/lib/lxcfs": "fuse.lxcfs / rw",
    "/srv/again": "ext4 /folder rw",
}
HOST_S = {
    "/boot": "ext4 / rw",
    "/var/lib/docker": "xfs / rw",
    "/data": "zfs / rw",
    "/home": "btrfs /@home rw",
    "/mnt/office": "nfs4 / rw",
    "/mnt/pool": "fuse.mergerfs / rw",
    "/mnt/failed": "ext4 / ro",
}
"""Mount point: type, root within the file system, mode."""


def telegraf() -> Path:
    if not (found := toolchain.binaries() / "telegraf").exists():
        pytest.skip("the toolchain is not built")
    return found


def measured(folder: Path, *within: str, **environment: str) -> str:
    """The line protocol of one round of an agent's inputs. within: a command that runs it."""
    return round_of(configured(folder, 0), *within, **environment)


def configured(folder: Path, top_processes: int) -> Path:
    """Write an agent's configuration and the scripts that it runs."""
    config = folder / "telegraf.conf"
    given = agent_config(replace(AGENT, target=replace(TARGET, private_ca=False), top_processes=top_processes))
    for name in ("measure", "processes"):
        script = folder / name
        script.write_text((FOLDER / f"shared/{name}.sh").read_text().replace("/run/telegraf-processes", str(folder)))
        script.chmod(0o755)
        given = given.replace(f"/etc/telegraf/{name}", str(script))
    config.write_text(given)
    return config


def round_of(config: Path, *within: str, **environment: str) -> str:
    result = subprocess.run(
        [*within, telegraf(), "--test", "--config", config],
        env={"PATH": os.environ["PATH"], "INFLUX_PASSWORD": "a"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert " E! " not in result.stderr, result.stderr
    assert "deprecated" not in result.stderr, result.stderr
    return result.stdout


OWN_MOUNTS = {"HOST_PROC_MOUNTINFO": "/proc/self/mountinfo"}
"""gopsutil would read those of process 1."""

STATUS = {
    *("cpu_some", "memory_some", "memory_full", "io_some", "io_full", "oom_kills", "files_open", "sockets_used"),
    *("tcp_waiting", "tcp_orphans", "tcp_established", "tcp_sent", "tcp_resent", "tcp_overflows"),
    *("net_bytes_recv", "net_bytes_sent", "net_packets_recv", "net_packets_sent", "net_lost"),
}
"""Fields of every host with Linux 4.20 or later."""


def test_a_core_is_one_series_and_a_host_s_status_another(tmp_path: Path) -> None:
    """docs/scale.md: what a core costs, and what /etc/telegraf/measure measures."""
    lines = measured(tmp_path, **OWN_MOUNTS)
    cores = [line for line in lines.splitlines() if line.startswith("> cpu,cpu=cpu") and "cpu-total" not in line]
    assert len(cores) == os.cpu_count()
    assert all(re.fullmatch(r"> cpu,cpu=cpu\d+,host=\S+ usage_idle=[\d.]+ \d+", line) for line in cores)
    (status,) = [line for line in lines.splitlines() if line.startswith("> host_status,")]
    fields = dict(re.findall(r'[ ,]([a-z_]+)=("[^"]*"|[^ ,]+)(?=[ ,])', status))
    assert fields.keys() >= STATUS
    assert fields.keys() - STATUS <= {
        *("conntrack_count", "conntrack_max", "clock_offset", "failed_units", "failed_names", "host"),
        *("disk_reads", "disk_read_bytes", "disk_writes", "disk_write_bytes"),
    }
    assert int(fields["files_open"].rstrip("i")) > 0


@pytest.mark.parametrize("most", [0, 3])
def test_on_request_the_top_processes_are_a_series_per_rank(tmp_path: Path, most: int) -> None:
    """docs/agents.md: what they cost."""
    lines = round_of(configured(tmp_path, most), **OWN_MOUNTS)
    named = [line for line in lines.splitlines() if line.startswith("> top_processes,")]
    assert len(named) == most
    assert all(re.fullmatch(r"> top_processes,host=\S+,rank=\d .*memory_name=\".*", line) for line in named)


PROGRAMS = {
    "systemctl": "printf 'a\\\\x2db.service loaded failed failed A\\nweb.service loaded failed failed Web\\n'",
    "chronyc": "echo A9FEA97B,169.254.169.123,4,1795495454.1,-0.000012,0,0,0,0,0,0,0,0,Normal",
    "timedatectl": "printf '       Server: 192.0.2.1\\n       Offset: +1.5ms\\n'",
}


def status(folder: Path, **programs: str) -> str:
    """What /etc/telegraf/measure prints on a machine with these programs."""
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    command = ["sh", str(FOLDER / "shared/measure.sh")]
    return subprocess.run(
        command, env={"PATH": f"{folder}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True
    ).stdout


def test_failed_units_are_counted_and_named(tmp_path: Path) -> None:
    line = status(tmp_path, **PROGRAMS)
    assert 'failed_units=2i,failed_names="a\\\\x2db.service web.service"' in line
    assert 'failed_units=0i,failed_names=""' in status(tmp_path, systemctl="true")
    assert "failed" not in status(tmp_path, systemctl="exit 1")


def test_the_clock_s_offset_is_chrony_s_or_else_timesyncd_s(tmp_path: Path) -> None:
    assert "clock_offset=-0.000012," in status(tmp_path, **PROGRAMS)
    assert "clock_offset=0.0015," in status(tmp_path, **PROGRAMS | {"chronyc": "exit 1"})
    assert "clock_offset=-2.5e-05," in status(
        tmp_path, **PROGRAMS | {"chronyc": "exit 1", "timedatectl": "echo ' Offset: -25us'"}
    )
    assert "clock_offset" not in status(tmp_path, **PROGRAMS | {"chronyc": "exit 1", "timedatectl": "exit 1"})


def totals(
    folder: Path,
    prefix: str,
    *,
    disks: str = "",
    cards: str = "",
    made: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, int]:
    """The sums in what /etc/telegraf/measure prints. disks: /proc/diskstats. cards: lines of /proc/net/dev. made: paths
    below /sys/class/net, each a folder or a link to this target."""
    (folder / "diskstats").write_text(disks)
    (folder / "dev").write_text(f"Inter-|   Receive\n face |bytes packets\n{cards}")
    for path, target in made.items():
        (folder / "net" / path).parent.mkdir(parents=True, exist_ok=True)
        if target:
            (folder / "net" / path).symlink_to(target)
        else:
            (folder / "net" / path).mkdir(parents=True, exist_ok=True)
    script = (FOLDER / "shared/measure.sh").read_text()
    for there, here in (("/proc/diskstats", "diskstats"), ("/proc/net/dev", "dev"), ("/sys/class/net", "net")):
        script = script.replace(there, str(folder / here))
    line = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in re.findall(rf"\b{prefix}_(\w+)=(\d+)i", line)}


DISKSTATS = (
    "   8  0 sda 10 1 1000 5 20 3 4000000000000 24 4 0 8 9 0 0 0 0 0 0\n"
    "   8  1 sda1 9 1 900 5 19 3 3900000000000 24 4 0 8 9 0 0 0 0 0 0\n"
    " 259  0 nvme0n1 1 1 8 5 2 3 16 24 4 0 8 9 0 0 0 0 0 0\n"
    " 259  1 nvme0n1p1 1 1 8 5 2 3 16 24 4 0 8 9 0 0 0 0 0 0\n"
    " 253  0 dm-0 10 1 1000 5 20 3 2000 24 4 0 8 9\n"
    "   7  0 loop0 10 1 1000 5 20 3 2000 24 4 0 8 9\n"
)


def test_a_host_s_disks_are_added_up_without_partitions_and_mappings(tmp_path: Path) -> None:
    expected = {"reads": 11, "read_bytes": 1008 * 512, "writes": 22, "write_bytes": 4000000000016 * 512}
    assert totals(tmp_path, "disk", disks=DISKSTATS) == expected
    assert totals(tmp_path, "disk", disks="   7  0 loop0 10 1 1000 5 20 3 2000 24 4 0 8 9\n") == {}


@pytest.mark.parametrize(
    "name", ["sda", "sdab", "vda", "xvdf", "nvme0n1", "mmcblk0", "sda1", "nvme0n1p1", "md0", "sr0"]
)
def test_the_disks_that_are_added_up_are_those_on_the_dashboards(tmp_path: Path, name: str) -> None:
    whole = re.fullmatch(r'"name"::tag =~ /(.*)/', WHOLE_DISKS)
    assert whole
    line = f"   8  0 {name} 10 1 1000 5 20 3 2000 24 4 0 8 9 0 0 0 0 0 0\n"
    assert bool(totals(tmp_path, "disk", disks=line)) == bool(re.search(whole[1], name))


def card(name: str, scale: int) -> str:
    """A line of /proc/net/dev, without a space after the colon, as older kernels write long numbers."""
    received, sent = (f"{each * scale} {scale} 1 2 0 0 0 0" for each in (10**12, 2 * 10**12))
    return f"  {name}:{received} {sent}\n"


SERVER = {
    **{"bond0/bridge": None, "eth0/device": None, "eth0/master": "../bond0"},
    **{"eth1/device": None, "eth1/master": "../bond0", "bond0.100/lower": None, "docker0/bridge": None},
    # Azure's accelerated networking: the virtual card counts what its fast path does.
    **{"eth2/device": None, "enP1/device": None, "enP1/master": "../eth2"},
}
CONTAINER = {"lo/x": None, "eth0/x": None, "docker0/bridge": None, "veth1/brport": None}


@pytest.mark.parametrize(
    ("made", "counted"), [(SERVER, ("eth0", "eth1", "eth2")), (CONTAINER, ("eth0",))], ids=["server", "container"]
)
def test_a_host_s_cards_are_added_up_and_no_packet_counts_twice(
    tmp_path: Path, made: dict[str, str | None], counted: tuple[str, ...]
) -> None:
    names = list(dict.fromkeys(path.partition("/")[0] for path in made))
    scales = {name: 10**number for number, name in enumerate(("lo", *(each for each in names if each != "lo")))}
    found = totals(tmp_path, "net", cards="".join(card(*each) for each in scales.items()), made=made)
    packets = sum(scales[name] for name in counted)
    assert found == {
        **{"bytes_recv": packets * 10**12, "bytes_sent": 2 * packets * 10**12},
        **{"packets_recv": packets, "packets_sent": packets, "lost": 6 * len(counted)},
    }


def test_the_totals_are_the_kernel_s(tmp_path: Path) -> None:
    """On this machine: measured between two readings of the kernel's counters."""
    cards = Path("/sys/class/net")
    real = [each.name for each in cards.iterdir() if (each / "device").exists()]
    if not real:
        pytest.skip("a container: no network card of its own")

    def received() -> int:
        return sum(int((cards / name / "statistics/rx_bytes").read_text()) for name in real)

    before, line, after = received(), status(tmp_path), received()
    (found,) = re.findall(r"net_bytes_recv=(\d+)i", line)
    assert before <= int(found) <= after


def tags(lines: str, measurement: str, tag: str) -> list[str]:
    return re.findall(rf"^> {measurement},(?:.*,)?{tag}=([^ ,]+)", lines, re.MULTILINE)


def file_systems(folder: Path, mounts: dict[str, str]) -> list[str]:
    """The paths that are measured on a host with these mounts (gopsutil's HOST_PROC_MOUNTINFO, HOST_MOUNT_PREFIX)."""
    lines = []
    for number, (path, described) in enumerate(mounts.items()):
        fstype, root, mode = described.split()
        (folder / "host" / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        lines.append(f"{number} 1 8:{number} {root} {path} {mode},relatime shared:1 - {fstype} /dev/sd{number} {mode}")
    (folder / "mountinfo").write_text("\n".join(lines) + "\n")
    shown = measured(folder, HOST_PROC_MOUNTINFO=str(folder / "mountinfo"), HOST_MOUNT_PREFIX=str(folder / "host"))
    return tags(shown, "disk", "path")


@pytest.mark.parametrize("root", ["ext4 / rw", "btrfs /@ rw", "overlay / rw", "ext4 /var/lib/machines/a rw"])
def test_a_host_s_file_systems_are_measured_once_and_its_containers_are_not(tmp_path: Path, root: str) -> None:
    assert sorted(file_systems(tmp_path, {"/": root} | CONTAINERS | HOST_S)) == sorted(["/", *HOST_S])


CABLES = (
    *(
        "veth0a1b2c3",
        "docker0",
        "docker_gwbridge",
        "br-0123456789ab",
        "podman0",
        "cni0",
        "cni-podman0",
        "cali1234567890a",
    ),
    *(
        "flannel.1",
        "cilium_host",
        "lxc0a1b2c",
        "lxcbr0",
        "lxdbr0",
        "incusbr0",
        "virbr0",
        "vnet7",
        "tap100i0",
        "fwbr100i0",
    ),
    *("kube-ipvs0", "kube-bridge", "nodelocaldns", "weave", "vethwepl1234", "vxlan.calico", "eni0123456789a", "ve-web"),
    *("vb-web", "azv1234567890a", "tunl0", "vif12.0"),
    # GKE's, OVN-Kubernetes's, Antrea's, Docker's for a macvlan, Nova's, nspawn's for a zone
    *("gke0123456789a", "3f2a9b1c4d5e6f7", "ovs-system", "ovn-k8s-mp0", "genev_sys_6081", "coredns--a1b2c3"),
    *("db-0-a1b2c3", "dm-0a1b2c3d4e5f", "qbr0a1b2c3d-4e", "qvo0a1b2c3d-4e", "macvtap12", "nerdctl0", "vz-office"),
)
CARDS = ("bond0", "br0", "br-lan", "vlan100", "eth0.100", "wg0", "tun0", "vmbr0", "ens5", "enp3s0", "vxlan100", "team0")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="makes interfaces, for which it needs root")
def test_a_host_s_cards_are_measured_and_its_containers_interfaces_are_not(tmp_path: Path) -> None:
    made = "".join(f"ip link add {name} type bridge; ip link set {name} up; " for name in (*CABLES, *CARDS))
    shown = measured(tmp_path, "unshare", "--net", "sh", "-c", f'{made} exec "$@"', "sh")
    assert sorted(tags(shown, "net", "interface")) == sorted(CARDS)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, for which it needs root")
def test_the_kernel_s_own_overlays_are_not_measured(tmp_path: Path) -> None:
    script = (
        "set -e; mount --make-rprivate /; mount -t tmpfs t {0}; cd {0};"
        " mkdir -p lower upper work docker/overlay2/{1}/merged ro;"
        " mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work docker/overlay2/{1}/merged;"
        ' mount -t overlay overlay -o ro,lowerdir=upper:lower ro; exec "$@"'
    )
    folder = tmp_path / "data"
    folder.mkdir()
    shown = measured(tmp_path, "unshare", "--mount", "sh", "-c", script.format(folder, ID), "sh", **OWN_MOUNTS)
    assert "/" in tags(shown, "disk", "path")
    assert str(folder) not in shown


def test_loops_and_mappings_are_not_measured_as_disks(tmp_path: Path) -> None:
    line = "   {} 0 {} 11 0 800 5 3 0 24 4 0 8 9 0 0 0 0 0 0\n"
    disks = ("vda", "nvme0n1", "loop0", "loop17", "ram0", "dm-0", "dm-12", "md0")
    (tmp_path / "diskstats").write_text("".join(line.format(8 + n, name) for n, name in enumerate(disks)))
    shown = measured(tmp_path, HOST_PROC=str(proc(tmp_path)))
    assert sorted(set(tags(shown, "diskio", "name"))) == ["md0", "nvme0n1", "vda"]


def proc(folder: Path) -> Path:
    """A copy of /proc with other diskstats."""
    made = folder / "proc"
    made.mkdir()
    for entry in ("stat", "meminfo", "vmstat", "uptime", "loadavg", "swaps", "net", "self", "1", "cpuinfo", "sys"):
        (made / entry).symlink_to(f"/proc/{entry}")
    (made / "diskstats").symlink_to(folder / "diskstats")
    return made
