"""Mends of moto's parameter store."""

from __future__ import annotations

from typing import Any

from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

STANDARD_BYTES = 4096
"""docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""


def apply() -> None:
    _name_the_parameter_to_the_policies()
    _refuse_large_standard_parameters()


def _name_the_parameter_to_the_policies() -> None:
    """AWS: policies name parameters and paths. moto: asks every policy about `*`, so such a policy denies all.

    A request for several parameters at once is still asked about `*`: stricter than AWS, never softer.
    """

    def determine_resource(self: Any) -> str:
        wanted = self._get_param("Name") or self._get_param("Path")
        if not wanted:
            return "*"
        if str(wanted).startswith("arn:"):
            return str(wanted)
        account, region = self.current_account, self.region
        return f"arn:aws:ssm:{region}:{account}:parameter/{str(wanted).strip('/')}"

    SimpleSystemManagerResponse._determine_resource = determine_resource  # type: ignore[attr-defined]


def _refuse_large_standard_parameters() -> None:
    """AWS: a standard parameter holds 4 KiB. moto: any size."""
    original = SimpleSystemManagerBackend.put_parameter

    def mended(self: Any, *arguments: Any, **named: Any) -> Any:
        value = named["value"] if "value" in named else arguments[2]
        tier = named.get("tier") or "Standard"
        if tier == "Standard" and len(str(value).encode()) > STANDARD_BYTES:
            raise ValidationException(
                f"Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To "
                "create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
            )
        return original(self, *arguments, **named)

    SimpleSystemManagerBackend.put_parameter = mended  # type: ignore[method-assign]
