"""Debian's images instead of moto's own list, described as AWS describes them."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend

from sandbox.cloud.images import ROOT_GIGABYTES, ROOT_TYPE, images
from sandbox.cloud.patches.registry import patch


@patch(AmiBackend, "_load_amis", source="986bfb7f")
def load_amis(_: Any, self: Any) -> None:
    """Every region has `images.images`. moto: has a list of images from 2018, all of them Amazon's."""
    for image in images(self.region_name):
        self.amis[image["ami_id"]] = Ami(self, region_name=self.zones[self.region_name][0].name, **image)


@patch(Ami, "block_device_mappings", source="3c97b87e")
def block_device_mappings(_: Any, self: Any) -> list[dict[str, Any]]:
    """AWS: an image's root volume is deleted with the instance. moto: keeps it."""
    volume = {
        "DeleteOnTermination": True,
        "Encrypted": False,
        "SnapshotId": self.ebs_snapshot.id,
        "VolumeSize": ROOT_GIGABYTES,
        "VolumeType": ROOT_TYPE,
    }
    return [{"DeviceName": self.root_device_name, "Ebs": volume}]
