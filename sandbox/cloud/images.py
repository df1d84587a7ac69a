"""The Debian 13 images the local AWS offers, as moto reads them from a file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

DEBIAN = "136693071363"
"""The Debian project's AWS account (wiki.debian.org/Cloud/AmazonEC2Image/Trixie)."""

SOMEBODY = "000000000000"
"""An account that copies Debian's names: a lookup without the owner would find its image."""

ARCHITECTURES = {"arm64": "arm64", "amd64": "x86_64"}
RELEASES = ("20250814-2204", "20251117-2299", "20260914-2601")


def entries() -> list[dict[str, Any]]:
    """Each release for each architecture, and one image of somebody else with a name that looks the same."""
    images = [_image(architecture, release, DEBIAN) for release in RELEASES for architecture in ARCHITECTURES]
    return [*images, _image("amd64", "20991231-9999", SOMEBODY)]


def _image(architecture: str, release: str, owner: str) -> dict[str, Any]:
    day = release.split("-", maxsplit=1)[0]
    number = hashlib.sha256(f"{owner} {architecture} {release}".encode()).hexdigest()[:16]
    return {
        "ami_id": f"ami-0{number}",
        "name": f"debian-13-{architecture}-{release}",
        "description": f"Debian 13 ({release})",
        "owner_id": owner,
        "creation_date": f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00.000Z",
        "architecture": ARCHITECTURES[architecture],
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "image_location": f"{owner}/debian-13-{architecture}-{release}",
        "image_type": "machine",
        "platform": "Linux/UNIX",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "sriov": "simple",
        "state": "available",
        "public": True,
    }


def write(folder: Path) -> Path:
    """Write the file moto's MOTO_AMIS_PATH names, and return it."""
    path = folder / "images.json"
    path.write_text(json.dumps(entries(), indent=1))
    return path
