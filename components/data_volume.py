"""The volume that Grafana's and InfluxDB's data lives on."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.network import Site
from settings import Settings


class DataVolume(pulumi.ComponentResource):
    """A disk that outlives the server.

    Produces: an encrypted volume (protected with `protect`). A greater `dataVolumeSize` enlarges it while it is in
    use, and the server its file system.

    Attributes: volume_id; size, GiB, known once the volume has it.
    """

    def __init__(self, name: str, settings: Settings, site: Site, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:DataVolume", name, None, opts)
        volume = aws.ebs.Volume(
            name,
            availability_zone=site.availability_zone,
            size=settings.data_volume_size,
            type="gp3",
            encrypted=True,
            tags={"Name": f"monitoring-{pulumi.get_stack()}-data"},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.protect,
                # What was only looked up may change without anybody's asking.
                ignore_changes=[] if settings.subnet_id else ["availabilityZone"],
            ),
        )
        self.volume_id: pulumi.Output[str] = volume.id
        self.size: pulumi.Output[int] = volume.size.apply(int)
        self.register_outputs({"volumeId": self.volume_id})
