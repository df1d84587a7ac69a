"""The server's machine image, looked up before anything is created."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_aws.ec2 import GetAmiFilterArgs

from program.lookups import RefusedError, look_up
from settings import Settings

DEBIAN = "136693071363"
"""The Debian project's AWS account (wiki.debian.org/Cloud/AmazonEC2Image/Trixie)."""


ARCHITECTURES = {"arm64": "arm64", "x86_64": "amd64"}
"""EC2's architectures and Debian's names for them."""


@dataclass(frozen=True)
class Image:
    """A machine image: its id, and its architecture as Debian calls it.

    ebs_optimized: whether the instance type has dedicated bandwidth to its volumes.
    """

    id: str
    architecture: str
    ebs_optimized: bool


def find_image(settings: Settings, opts: pulumi.InvokeOptions) -> Image:
    """The newest Debian 13 image for the instance type, or `amiId` if its architecture fits.

    Raises pulumi.RunError, naming the setting, if the two do not match.
    """
    wanted = settings.instance_type
    try:
        known = look_up(aws.ec2.get_instance_type, opts, instance_type=wanted)
    except RefusedError as error:
        if "InvalidInstanceType" not in error.said:
            raise
        raise pulumi.RunError(
            f"monitoring:instanceType = {wanted}: {settings.region} has no such instance type; "
            "write another, such as t4g.small"
        ) from None
    architecture = next((a for a in ARCHITECTURES if a in known.supported_architectures), None)
    if architecture is None:
        raise pulumi.RunError(
            f"monitoring:instanceType = {wanted}: is for {', '.join(known.supported_architectures)}, which "
            "Debian has no image for; write another, such as t4g.small"
        )
    # All but the oldest types have it, and most always use it; requesting it for a type without it is an error.
    optimized = known.ebs_optimized_support != "unsupported"
    if settings.ami_id:
        filters = [GetAmiFilterArgs(name="image-id", values=[settings.ami_id])]
        image = look_up(aws.ec2.get_ami, opts, filters=filters)
        if image.architecture != architecture:
            raise pulumi.RunError(
                f"monitoring:amiId = {settings.ami_id}: is for {image.architecture}, "
                f"but instanceType = {wanted} is for {architecture}; leave amiId out, or write one that fits"
            )
        return Image(settings.ami_id, ARCHITECTURES[architecture], optimized)
    names = f"debian-13-{ARCHITECTURES[architecture]}-*"
    image = look_up(
        aws.ec2.get_ami,
        opts,
        owners=[DEBIAN],
        most_recent=True,
        filters=[
            GetAmiFilterArgs(name="name", values=[names]),
            GetAmiFilterArgs(name="architecture", values=[architecture]),
        ],
    )
    return Image(image.id, ARCHITECTURES[architecture], optimized)
