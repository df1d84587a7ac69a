"""The Debian 13 images that the local AWS offers, with Debian's names, owner and devices."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

DEBIAN = "136693071363"
"""The Debian project's AWS account (wiki.debian.org/Cloud/AmazonEC2Image/Trixie)."""

LOOKALIKE = "000000000000"
"""An account with an image that is named like Debian's. A lookup without an owner would find it."""

ARCHITECTURES = {"arm64": "arm64", "amd64": "x86_64"}
"""Architectures: EC2's names, by Debian's."""

RELEASES = ("20250814-2204", "20251117-2299", "20260914-2601")
ROOT_GIGABYTES = 8
ROOT_TYPE = "gp3"


def images(region: str) -> list[dict[str, Any]]:
    """The images of a region, as arguments of moto's Ami, oldest first.

    One per release and architecture, and one of another account with a similar name. As in AWS, an image's id differs
    between regions.
    """
    found = [_image(region, architecture, release, DEBIAN) for release in RELEASES for architecture in ARCHITECTURES]
    return [*found, _image(region, "amd64", "20991231-9999", LOOKALIKE)]


def latest(region: str, architecture: str) -> str:
    """The id of Debian's newest image. architecture: `arm64` or `amd64`."""
    return str(_image(region, architecture, RELEASES[-1], DEBIAN)["ami_id"])


def _image(region: str, architecture: str, release: str, owner: str) -> dict[str, Any]:
    number = hashlib.sha256(f"{region} {owner} {architecture} {release}".encode()).hexdigest()[:16]
    made = datetime.strptime(release.partition("-")[0], "%Y%m%d").replace(tzinfo=UTC)
    return {
        "ami_id": f"ami-0{number}",
        "name": f"debian-13-{architecture}-{release}",
        "description": f"Debian 13 ({release})",
        "owner_id": owner,
        "creation_date": made.replace(tzinfo=None, hour=12),  # moto's times are UTC without saying so
        "architecture": ARCHITECTURES[architecture],
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "image_location": f"{owner}/debian-13-{architecture}-{release}",
        "image_type": "machine",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "sriov": "simple",
        "state": "available",
        "public": True,
    }
