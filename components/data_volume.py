"""The volume that Grafana's and InfluxDB's data lives on."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.network import Site
from settings import Settings


class DataVolume(pulumi.ComponentResource):
    """A disk that outlives the server.

    Produces: an encrypted volume (protected with `protect`). A greater `dataVolumeSize` enlarges it while it is in
    use, and the server its file system; a smaller one is refused at the preview.

    Attributes: volume_id; size, GiB, known once the volume has it.
    """

    def __init__(self, name: str, settings: Settings, site: Site, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:DataVolume", name, None, opts)
        at_preview = pulumi.ResourceHookOptions(on_dry_run=True)
        hook = pulumi.ResourceHook("data-volume-grows", refuse_to_shrink, at_preview)
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
                hooks=pulumi.ResourceHookBinding(before_update=[hook]),
            ),
        )
        self.volume_id: pulumi.Output[str] = volume.id
        self.size: pulumi.Output[int] = volume.size.apply(int)
        self.register_outputs({"volumeId": self.volume_id})


def refuse_to_shrink(change: pulumi.ResourceHookArgs) -> None:
    """Raises ValueError when the volume that is there is larger than the one that is wanted. EC2 would refuse, too:
    after other changes, and in its own words."""
    there, wanted = (int((known or {}).get("size") or 0) for known in (change.old_outputs, change.new_inputs))
    if wanted < there:
        raise ValueError(
            f"monitoring:dataVolumeSize = {wanted}: the data volume has {there} GiB, and no volume can shrink; "
            f"write {there} or more"
        )


def on_destroy(
    settings: Settings, volume: DataVolume, address: pulumi.Output[str], bucket: pulumi.Output[str]
) -> pulumi.Output[list[str]]:
    """What `pulumi destroy` does to the data, for the stack's outputs, because it can say nothing itself: it does not
    run the program.

    bucket: with the backups, "" without them. Short sentences, because Pulumi cuts long ones.
    """

    def told(known: list[str]) -> list[str]:
        disk, public_ip, backups = known
        if settings.protect:
            bucket = [f"refused: the bucket {backups} with all backups is protected"] if backups else []
            return [
                f"refused: the data volume {disk} and the address {public_ip} are protected",
                *bucket,
                "to give them up for good: pulumi config set monitoring:protect false && pulumi up && pulumi destroy",
            ]
        with_bucket = [
            f"deletes for good: the bucket {backups} with all backups",
            f"to keep the backups, copy them before: aws s3 sync s3://{backups} backups",
        ]
        return [
            f"deletes for good: the data volume {disk} with all measurements, dashboards and users",
            *(with_bucket if backups else ["keeps: nothing; there are no backups"]),
        ]

    return pulumi.Output.all(volume.volume_id, address, bucket).apply(told)
