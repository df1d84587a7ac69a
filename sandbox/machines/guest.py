"""The files that are written to a machine's file system before it boots.

Pure functions produce the text; `provision_instance`, `provision_host` and `write_seed` write it to the mounted root.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

import boto3

from sandbox.machines.image import SUITE
from sandbox.machines.system import run
from sandbox.place import Place

INTERFACE = "ens5"
"""The name of the network interface on current EC2 types."""

AWS_SERVICES = ("monitoring", "ec2", "ssm", "sts", "tagging", "s3", "secretsmanager")
PACKAGES_HOST = "packages.sandbox.internal"
KEYRING = "/usr/share/keyrings/sandbox-debian.gpg"
ON_PREMISE_USER = "debian"
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def machine_id(place: Place, identity: str) -> str:
    """A machine-id (32 hex digits), which is stable and unique for each machine of each place."""
    return hashlib.sha256(f"{place.state}/{identity}".encode()).hexdigest()[:32]


def private_hostname(address: IPv4Address) -> str:
    """EC2's IP-based host name, such as ip-198-18-0-10."""
    return f"ip-{str(address).replace('.', '-')}"


def metadata(instance: str, hostname: str, public_keys: Sequence[str] = ()) -> str:
    """NoCloud's meta-data, as JSON, which is valid YAML."""
    data: dict[str, object] = {"instance-id": instance, "local-hostname": hostname}
    if public_keys:
        data["public-keys"] = list(public_keys)
    return json.dumps(data, indent=2) + "\n"


def network_file(address: IPv4Address, gateway: IPv4Address) -> str:
    """systemd-networkd's file. The address is a /32, so that even packets to neighbours go through the gateway."""
    return (
        f"[Match]\nName={INTERFACE}\n\n"
        f"[Network]\nAddress={address}/32\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no\n\n"
        f"[Route]\nGateway={gateway}\nGatewayOnLink=yes\n"
    )


@cache
def aws_names() -> tuple[tuple[str, ...], ...]:
    """The host names of the AWS endpoints that user data and agents can call: one tuple per region, and one more for
    the global endpoints."""
    regions = boto3.Session().get_available_regions("ec2")
    regional = [tuple(f"{service}.{region}.amazonaws.com" for service in AWS_SERVICES) for region in regions]
    return (*regional, ("s3.amazonaws.com", "sts.amazonaws.com", "route53.amazonaws.com"))


def hosts_file(hostname: str, gateway: IPv4Address) -> str:
    """/etc/hosts, with the machine itself, and with the package server and AWS at the gateway's address."""
    lines = [
        "127.0.0.1 localhost",
        f"127.0.1.1 {hostname}",
        "::1 localhost ip6-localhost ip6-loopback",
        "",
        "# The sandbox's package server, and its stand-in for AWS.",
        f"{gateway} {PACKAGES_HOST}",
        *(f"{gateway} {' '.join(names)}" for names in aws_names()),
    ]
    return "\n".join(lines) + "\n"


def apt_sources() -> str:
    """The machine's source of Debian packages: the sandbox's mirror, signed with the sandbox's key."""
    fields = {
        "Types": "deb",
        "URIs": f"http://{PACKAGES_HOST}/debian",
        "Suites": SUITE,
        "Components": "main",
        "Signed-By": KEYRING,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def provision_instance(place: Place, root: Path, address: IPv4Address, identity: str) -> None:
    """Turn the root into an EC2 instance's, once before its first boot."""
    _common(place, root, identity, private_hostname(address), address)


def write_seed(root: Path, instance: str, address: IPv4Address, user_data: bytes, public_keys: Sequence[str]) -> None:
    """Write the instance's data, as of this boot, to where cloud-init looks for it."""
    seed = root / "var/lib/cloud/seed/nocloud"
    seed.mkdir(parents=True, exist_ok=True)
    (seed / "meta-data").write_text(metadata(instance, private_hostname(address), public_keys))
    (seed / "user-data").write_bytes(user_data)
    (seed / "user-data").chmod(0o600)


def install_host_key(root: Path, key: Path) -> None:
    """Give the root an existing ed25519 host key."""
    target = root / HOST_KEY
    for source, there, mode in ((key, target, 0o600), (key.with_suffix(".pub"), target.with_suffix(".pub"), 0o644)):
        shutil.copyfile(source, there)
        there.chmod(mode)


def provision_host(place: Place, root: Path, name: str, address: IPv4Address, authorized_key: str) -> str:
    """Turn the root into an on-premise host's: no cloud-init, a user with sudo and one authorized key.

    Returns the host's public SSH key (ed25519), known before its first boot.
    """
    _common(place, root, name, name, address)
    (root / "etc/cloud/cloud-init.disabled").touch()
    user = ON_PREMISE_USER
    if f"\n{user}:" not in (root / "etc/passwd").read_text():
        run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", user)
    sudo = root / "etc/sudoers.d/90-sandbox"
    sudo.write_text(f"{user} ALL=(ALL) NOPASSWD:ALL\n")
    sudo.chmod(0o440)
    keys = root / "home" / user / ".ssh"
    keys.mkdir(mode=0o700, exist_ok=True)
    (keys / "authorized_keys").write_text(authorized_key.strip() + "\n")
    run("chroot", root, "chown", "--recursive", f"{user}:{user}", f"/home/{user}/.ssh")
    host_key = root / HOST_KEY
    if not host_key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{name}", "-f", host_key)
    return host_key.with_suffix(".pub").read_text().strip()


def _common(place: Place, root: Path, identity: str, hostname: str, address: IPv4Address) -> None:
    hosts = hosts_file(hostname, place.gateway)
    files = {
        "etc/hostname": f"{hostname}\n",
        "etc/hosts": hosts,
        # User data that lets cloud-init manage /etc/hosts makes it from this template.
        "etc/cloud/templates/hosts.debian.tmpl": f"## template:jinja\n{hosts}",
        "etc/machine-id": f"{machine_id(place, identity)}\n",
        f"etc/systemd/network/10-{INTERFACE}.network": network_file(address, place.gateway),
    }
    keyring = place.state / "repository" / "debian.gpg"
    if keyring.exists():
        shutil.copyfile(keyring, root / KEYRING.lstrip("/"))
        files["etc/apt/sources.list.d/debian.sources"] = apt_sources()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    authority = place.state / "cloud" / "ca.pem"
    if authority.exists():
        trust(root, authority)


def trust(root: Path, authority: Path) -> None:
    """Let the root's programs trust a certificate. Writes what `update-ca-certificates` would, which starts a thousand
    processes for the 150 CAs that are already trusted. Raises SandboxError if the file is not a certificate."""
    name = run("openssl", "x509", "-noout", "-subject_hash", "-in", authority).strip()
    own, trusted = Path("/usr/local/share/ca-certificates/sandbox-aws.crt"), root / "etc/ssl/certs"
    shutil.copyfile(authority, root / own.relative_to("/"))
    for link, target in (("sandbox-aws.pem", str(own)), (f"{name}.0", "sandbox-aws.pem")):
        (trusted / link).unlink(missing_ok=True)
        (trusted / link).symlink_to(target)
    bundle = trusted / "ca-certificates.crt"
    bundle.write_text(bundle.read_text().removesuffix(authority.read_text()) + authority.read_text())
