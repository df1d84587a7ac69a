"""What moto is softer about than AWS, made as strict as AWS. Each mend says what AWS does and what moto does."""

from __future__ import annotations

from sandbox.cloud.mends import (
    access,
    alarms,
    amis,
    cloudwatch,
    deletion,
    launch,
    lifecycle,
    network,
    s3,
    ssm,
)
from sandbox.place import Place


def apply(place: Place) -> None:
    """Mend moto in this process. Call it once, before the first request."""
    amis.apply()
    network.apply(place)
    launch.apply(place)
    lifecycle.apply(place)
    deletion.apply()
    ssm.apply()
    s3.apply()
    cloudwatch.apply()
    alarms.apply()
    access.apply()
