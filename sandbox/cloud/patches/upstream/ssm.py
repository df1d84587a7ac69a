"""The sizes of parameters."""

from __future__ import annotations

from typing import Any

from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from sandbox.cloud.patches.registry import patch

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192
"""docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""


@patch(SimpleSystemManagerBackend, "put_parameter", source="b5187c4a")
def put_parameter(
    original: Any, self: Any, name: str, description: str, value: str, *arguments: Any, **named: Any
) -> Any:
    """AWS: a standard parameter holds 4 KiB, an advanced one 8, and intelligent tiering chooses. moto: any size."""
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
