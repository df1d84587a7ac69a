"""The machine that runs Grafana and InfluxDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.data_volume import DataVolume
from components.network import Network
from program.image import ARCHITECTURES, Image
from program.naming import machine
from program.site import Site
from settings import Settings

DEVICE = "/dev/sdf"
"""EC2's name for the data volume; Nitro instances see an NVMe disk named after the volume's id."""


class Server(pulumi.ComponentResource):
    """The server.

    Produces: the instance with an encrypted root volume, the data volume's attachment, the elastic IP's association.
    Without an elastic IP, the instance uses the network's interface, which outlives it and keeps its address.

    When the instance is replaced (user data, the type's architecture, `amiId`, another address), the old one is stopped
    and its volume detached before the new one starts: two servers never share it. The instance waits for `after`, which
    it reads when it boots.

    Attributes: instance, instance_id; links: what the server needs to be reachable and have its data.
    """

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        site: Site,
        subnet_id: pulumi.Input[str],
        network: Network,
        image: Image,
        profile_name: pulumi.Output[str],
        volume: DataVolume,
        user_data: pulumi.Output[str],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Server", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = {"Name": machine()}
        # Lookups can return something else later, which is no reason to replace anything. What is replaced for another
        # reason, such as another architecture, gets what they return now.
        looked_up = [] if settings.subnet_id else ["subnetId"]
        self.instance = aws.ec2.Instance(
            f"{name}-{image.architecture}",
            ami=image.id,
            instance_type=settings.instance_type,
            **_placed(subnet_id, network),
            iam_instance_profile=profile_name,
            key_name=settings.ssh_key_name,
            ebs_optimized=image.ebs_optimized,
            # CloudWatch metrics of the server every minute, not every five.
            monitoring=True,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=settings.root_volume_size,
                encrypted=True,
                kms_key_id=site.kms_key,
                delete_on_termination=True,
            ),
            user_data=user_data,
            user_data_replace_on_change=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                delete_before_replace=True,
                ignore_changes=[*looked_up, *([] if settings.ami_id else ["ami"])],
                aliases=[pulumi.Alias(name=f"{name}-{each}") for each in ARCHITECTURES.values()],
            ),
        )
        self.instance_id: pulumi.Output[str] = self.instance.id
        # A volume in use cannot be detached: EC2 waits until the system releases it, so the
        # instance is stopped.
        attachment = aws.ec2.VolumeAttachment(
            f"{name}-data",
            device_name=DEVICE,
            volume_id=volume.volume_id,
            instance_id=self.instance_id,
            stop_instance_before_detaching=True,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.links: list[pulumi.Resource] = [attachment]
        if network.elastic:
            self.links.append(
                aws.ec2.EipAssociation(name, allocation_id=network.elastic.id, instance_id=self.instance_id, opts=child)
            )
        self.register_outputs({"instanceId": self.instance_id, "volumeId": volume.volume_id})


def _placed(subnet_id: pulumi.Input[str], network: Network) -> Mapping[str, Any]:
    """The instance's place in the network: either an interface, which has a subnet and groups, or these."""
    if network.interface:
        primary = aws.ec2.InstancePrimaryNetworkInterfaceArgs(network_interface_id=network.interface.id)
        return {"primary_network_interface": primary}
    return {"subnet_id": subnet_id, "vpc_security_group_ids": [network.group.id]}
