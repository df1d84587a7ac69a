"""Mends of moto's parameter store."""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import Parameter, ParameterDict, SimpleSystemManagerBackend

from sandbox.cloud.images import ARCHITECTURES, latest

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192
"""docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""

DEBIAN = "/aws/service/debian"


def apply() -> None:
    """Mend the sizes of parameters, and add Debian's public ones."""
    _refuse_large_parameters()
    _debian_s_public_parameters()


def _refuse_large_parameters() -> None:
    """AWS: a standard parameter holds 4 KiB, an advanced one 8, and intelligent tiering chooses. moto: any size."""
    original = SimpleSystemManagerBackend.put_parameter

    def put_parameter(self: Any, name: str, description: str, value: str, *arguments: Any, **named: Any) -> Any:
        before = self._parameters[name][-1] if name in self._parameters else None
        tier = named.get("tier") or (before.tier if before else None) or "Standard"
        size = len(str(value).encode())
        if tier == "Intelligent-Tiering":
            tier = named["tier"] = "Advanced" if size > STANDARD_BYTES else "Standard"
        if tier == "Standard" and size > STANDARD_BYTES:
            raise ValidationException(
                f"Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To "
                "create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
                "information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                "parameter-store-advanced-parameters.html"
            )
        if size > ADVANCED_BYTES:
            raise ValidationException(
                f"Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters."
            )
        return original(self, name, description, value, *arguments, **named)

    SimpleSystemManagerBackend.put_parameter = put_parameter  # type: ignore[method-assign]


def _debian_s_public_parameters() -> None:
    """AWS: `/aws/service/debian/release/13/latest/ARCH` holds the newest image's id. moto: has no such path.

    wiki.debian.org/Cloud/AmazonEC2Image
    """
    original = ParameterDict._check_loading_status

    def check(self: Any, key: str) -> None:
        original(self, key)
        if str(key or "").startswith(DEBIAN) and not getattr(self, "debian_loaded", False):
            self.debian_loaded = True
            for architecture in ARCHITECTURES:
                _add(self, f"{DEBIAN}/release/13/latest/{architecture}", latest(self.region_name, architecture))

    ParameterDict._check_loading_status = check  # type: ignore[method-assign]


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
