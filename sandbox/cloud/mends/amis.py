"""Mends of moto's images: Debian's instead of its own list, described as AWS describes them."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend

from sandbox.cloud.images import ROOT_GIGABYTES, ROOT_TYPE, images


def apply() -> None:
    """Offer `images.images` in every region.

    moto: reads a list of images of 2018, says Amazon owns them all, and that their root volumes stay.
    """

    def load(self: Any) -> None:
        for image in images(self.region_name):
            self.amis[image["ami_id"]] = Ami(self, region_name=self.zones[self.region_name][0].name, **image)

    def devices(self: Any) -> list[dict[str, Any]]:
        volume = {
            "DeleteOnTermination": True,
            "Encrypted": False,
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": ROOT_GIGABYTES,
            "VolumeType": ROOT_TYPE,
        }
        return [{"DeviceName": self.root_device_name, "Ebs": volume}]

    AmiBackend._load_amis = load  # type: ignore[method-assign]
    Ami.block_device_mappings = property(devices)  # type: ignore[method-assign, assignment]
