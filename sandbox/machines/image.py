"""The machines' root file system: Debian 13 with the packages of Debian's own EC2 image.

The list follows the package_config of Debian's cloud images
(https://salsa.debian.org/cloud-team/debian-cloud-images, classes SYSTEM_BOOT, CLOUD, EC2, EXTRAS), without the packages
that are useless in a machine without its own kernel (kernel, boot loader, root disk growth, AppArmor, clock), and
without the AWS CLI, which is large and which no user data should need. Further packages that installers ask for come
from a small mirror made in the same run, so that `apt-get install` works without internet access.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

from sandbox import sums
from sandbox.errors import SandboxError
from sandbox.locks import locked
from sandbox.machines.system import mounts_below
from sandbox.place import cache_folder
from sandbox.progress import Progress

SUITE = "trixie"

EVERY_MACHINE = """
    systemd systemd-sysv init dbus udev libpam-systemd libnss-myhostname systemd-resolved polkitd apt-utils
    adduser netbase iproute2 iputils-ping procps kmod e2fsprogs util-linux mount fdisk sudo less nano vim-tiny
    whiptail zstd tzdata python3 unattended-upgrades
"""
CLOUD = "openssh-server cloud-init cloud-guest-utils"
EC2 = """
    bash-completion bind9-host ca-certificates curl ethtool pciutils psmisc socat traceroute uuid-runtime
    xz-utils
"""
PACKAGES = f"{EVERY_MACHINE} {CLOUD} {EC2}".split()
"""What a machine has before its user data runs."""

MIRRORED = (
    "acl",
    "apt-transport-https",
    "certbot",
    "chrony",
    "createrepo-c",
    "dnf",
    "dnf-plugins-core",
    "fontconfig",
    "gnupg",
    "gpg",
    "haproxy",
    "jq",
    "libfontconfig1",
    "lsb-release",
    "musl",
    "nftables",
    "nvme-cli",
    "python3-certbot-dns-route53",
    "rpm",
    "ssl-cert",
    "wget",
)
"""What installers and user data can ask apt for; the mirror has these packages and their dependencies."""

CUSTOMIZE = r"""
set -eu
root=$1
# Nothing that has to be different on each machine is shared.
rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/lib/dbus/machine-id
: > "$root/etc/machine-id"
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
systemctl --root="$root" --quiet enable systemd-networkd.service
systemctl --root="$root" --quiet mask getty@tty1.service
# A container's /sys is read-only, which makes systemd ignore the disks in fstab. A real machine mounts them:
# so shall this one, only without waiting for udev to announce them.
install -D -m 755 /dev/stdin "$root/etc/systemd/system-environment-generators/10-sandbox" <<'END'
#!/bin/sh
echo SYSTEMD_SYSFS_CHECK=0
END
sed -e '/^BindsTo=/d' -e 's/^After=%i.device /After=/' \
    "$root/usr/lib/systemd/system/systemd-fsck@.service" > "$root/etc/systemd/system/systemd-fsck@.service"
# Debian's EC2 image has `admin` as its user. The address is the sandbox's matter, not cloud-init's.
cat > "$root/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg" <<'END'
apt:
  preserve_sources_list: true
manage_etc_hosts: false
system_info:
  default_user:
    name: admin
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
    lock_passwd: true
    groups: [adm, audio, cdrom, dialout, dip, floppy, plugdev, sudo, video]
END
cat > "$root/etc/cloud/cloud.cfg.d/90_sandbox.cfg" <<'END'
datasource_list: [NoCloud]
network: {config: disabled}
END
# The caches are built already: do not build them again at each machine's first boot.
touch "$root/etc/.updated" "$root/var/.updated"
"""
"""mmdebstrap runs this at the end, on the host, with the root folder as its argument."""


def recipe() -> str:
    """A hash of everything that determines the image's contents."""
    text = "\n".join([SUITE, platform.machine(), *PACKAGES, "--", *MIRRORED, "--", CUSTOMIZE])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def image_folder() -> Path:
    """The folder of this version of the image, with `root` (the file system) and `mirror` (*.deb)."""
    return cache_folder() / "image" / f"debian-13-{recipe()}"


def root_folder() -> Path:
    """The image's file system. It is never written to again: machines mount their own folder over it."""
    return image_folder() / "root"


def mirror_folder() -> Path:
    """The Debian packages that machines can install, with all their dependencies."""
    return image_folder() / "mirror"


def ensure_image(progress: Progress = lambda _: None) -> Path:
    """Build the image unless this version exists and is complete; returns its root folder.

    Takes about a minute. Safe to interrupt (the next call starts over) and to run concurrently (one waits).
    Raises SandboxError with mmdebstrap's first error when it fails.
    """
    folder = image_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / "lock", lambda: progress("another checkout is building it")):
        if folder.is_dir() and (broken := sums.damaged(folder)):
            if _in_use(folder):
                raise SandboxError(
                    f"The Debian image is damaged ({folder / broken[0]}), and machines are running on it. "
                    "Run `make down` here and in every other checkout whose environment is up, then `make up`."
                )
            progress(f"{broken[0]} is damaged; rebuilding everything")
            _remove(folder)
        if folder.is_dir():
            return root_folder()
        building = folder.with_suffix(".building")
        _remove(building)
        building.mkdir()
        _build(building, progress)
        sums.record(building)
        building.rename(folder)
        for other in folder.parent.glob("debian-13-*"):
            if other != folder and not _in_use(other):
                _remove(other)
    return root_folder()


def _build(folder: Path, progress: Progress) -> None:
    root, mirror = folder / "root", folder / "mirror"
    mirror.mkdir()
    log = folder / "build.log"
    customize = folder / "customize.sh"
    customize.write_text(CUSTOMIZE)
    hooks = [
        'chroot "$1" apt-get clean',
        f'chroot "$1" apt-get install --yes --quiet --download-only {" ".join(MIRRORED)}',
        f"cp \"$1\"/var/cache/apt/archives/*.deb '{mirror}'",
        f"sh '{customize}' \"$1\"",
    ]
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(PACKAGES)}"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    with (
        log.open("w") as sink,
        subprocess.Popen(
            [*command, SUITE, str(root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 (for the type checker)
        for line in process.stdout:
            sink.write(line)
            if line.startswith("I: "):
                progress(line[3:].strip().rstrip("."))
    if process.returncode != 0:
        words = [line for line in log.read_text().splitlines() if line.startswith("E: ")] or ["see its log"]
        raise SandboxError(f"The Debian image could not be built: {words[0]} (log: {log})")


def _in_use(folder: Path) -> bool:
    """Whether a machine of any checkout is mounted over this image."""
    return str(folder).replace(" ", "\\040") in Path("/proc/self/mounts").read_text()


def _remove(folder: Path) -> None:
    """Remove a folder tree, after unmounting whatever an interrupted build left mounted in it."""
    for mount in mounts_below(folder):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
