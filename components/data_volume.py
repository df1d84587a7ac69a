"""The volume with Grafana's and InfluxDB's data."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from program.naming import machine
from program.site import Site
from settings import Settings


class DataVolume(pulumi.ComponentResource):
    """A disk that outlives the server.

    Produces: a volume (protected with `protect`), encrypted with `kmsKey`, or the account's default key. A greater
    `dataVolumeSize` enlarges it while it is in use, and the server then enlarges its file system; a smaller one is
    refused at the preview. So is another key, for which AWS would replace the volume, unless `restoreFrom` says what
    fills the new one.

    Attributes: volume, the resource itself; volume_id; availability_zone; size, in GiB, known once the volume has that
    size.
    """

    def __init__(self, name: str, settings: Settings, site: Site, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:DataVolume", name, None, opts)
        at_preview = pulumi.ResourceHookOptions(on_dry_run=True)
        hook = pulumi.ResourceHook("data-volume-grows", refuse_to_shrink, at_preview)
        self.volume = aws.ebs.Volume(
            name,
            availability_zone=site.availability_zone,
            size=settings.data_volume_size,
            type="gp3",
            encrypted=True,
            kms_key_id=site.kms_key,
            tags={"Name": f"{machine()}-data"},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.protect,
                ignore_changes=[
                    # Lookups can return something else later.
                    *([] if settings.subnet_id else ["availabilityZone"]),
                    *([] if settings.restore_from else ["kmsKeyId"]),
                ],
                hooks=pulumi.ResourceHookBinding(before_update=[hook]),
            ),
        )
        self.volume_id: pulumi.Output[str] = self.volume.id
        if site.kms_key:
            there = pulumi.Output.all(self.volume.id, self.volume.kms_key_id)
            self.volume_id = there.apply(lambda known: _with_its_key(*known, wanted=site.kms_key))
        self.availability_zone: pulumi.Output[str] = self.volume.availability_zone
        self.size: pulumi.Output[int] = self.volume.size.apply(int)
        self.register_outputs({"volumeId": self.volume_id})


def refuse_to_shrink(change: pulumi.ResourceHookArgs) -> None:
    """Raises ValueError if the existing volume is larger than the requested one. EC2 would refuse, too, but only after
    other changes, and less clearly."""
    there, wanted = (int((known or {}).get("size") or 0) for known in (change.old_outputs, change.new_inputs))
    if wanted < there:
        raise ValueError(
            f"monitoring:dataVolumeSize = {wanted}: the data volume has {there} GiB, and volumes cannot shrink; "
            f"write {there} or more"
        )


def _with_its_key(volume: str, key: str, *, wanted: str | None) -> str:
    """The volume's id. Raises pulumi.RunError, at the preview, if the existing volume has another key."""
    if key != wanted:
        raise pulumi.RunError(
            f"monitoring:kmsKey = {wanted}: the data volume is encrypted with {key}, and EBS cannot change that; take "
            "this back, or make a backup (backups.now) and also write restoreFrom: latest: a new volume is then "
            "filled from it (docs/security.md)"
        )
    return volume
