"""Debian's public parameters in the parameter store."""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow
from moto.ssm.models import Parameter, ParameterDict

from sandbox.cloud.images import ARCHITECTURES, latest
from sandbox.cloud.patches.registry import patch

DEBIAN = "/aws/service/debian"


@patch(ParameterDict, "_check_loading_status", source="7cfa610f")
def check_loading_status(original: Any, self: Any, key: str) -> None:
    """AWS: `/aws/service/debian/release/13/latest/ARCH` contains the newest image's id. moto: has no such path.

    wiki.debian.org/Cloud/AmazonEC2Image
    """
    original(self, key)
    if str(key or "").startswith(DEBIAN) and not getattr(self, "debian_loaded", False):
        self.debian_loaded = True
        for architecture in ARCHITECTURES:
            _add(self, f"{DEBIAN}/release/13/latest/{architecture}", latest(self.region_name, architecture))


def _add(parameters: Any, name: str, value: str) -> None:
    parameters[name].append(
        Parameter(  # type: ignore[abstract]
            account_id=parameters.account_id,
            name=name,
            value=value,
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=utcnow(),
            version=1,
            data_type="aws:ec2:image",
        )
    )
