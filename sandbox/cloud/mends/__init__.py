"""What moto is softer about than AWS, made as strict as AWS. Each mend says what AWS does and what moto does."""

from __future__ import annotations

from sandbox.cloud.mends import cloudwatch, ec2, iam, ssm
from sandbox.place import Place


def apply(place: Place) -> None:
    """Mend moto in this process. Call it once, before the first request."""
    ec2.apply(place)
    iam.apply()
    ssm.apply()
    cloudwatch.apply()
