"""Mends of moto's IAM enforcement."""

from __future__ import annotations

from typing import Any

from moto import settings
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.iam import access_control
from werkzeug.exceptions import HTTPException

PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""Signing names that differ from the prefix of the service's actions (service authorization reference)."""


class RefusedError(ServiceException):
    """A refusal, for moto to write in the request's protocol. (Of its own classes, moto would guess the service.)"""


def apply() -> None:
    """Mend how requests are judged; enforcement itself starts with `enforce`."""
    _translate_action_prefixes()
    _refuse_inactive_keys()
    _deny_in_the_service_s_own_words()


def enforce() -> None:
    """From now on every request must be signed by a known key and allowed by its policies."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0


def _translate_action_prefixes() -> None:
    """AWS: CloudWatch's actions begin with `cloudwatch:`. moto: takes the signing name, `monitoring:`."""
    original = access_control.IAMRequestBase.__init__

    def mended(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        prefix, _, action = self._action.partition(":")
        self._action = f"{PREFIXES.get(prefix, prefix)}:{action}"

    access_control.IAMRequestBase.__init__ = mended  # type: ignore[method-assign]


def _refuse_inactive_keys() -> None:
    """AWS: an inactive access key is no key. moto: lets it pass."""
    original = access_control.IAMUserAccessKey.__init__

    def mended(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        for key in self.backend.list_access_keys(self._owner_user_name):
            if key.access_key_id == self._access_key_id and key.status != "Active":
                raise access_control.CreateAccessKeyFailure(reason="InvalidId")

    access_control.IAMUserAccessKey.__init__ = mended  # type: ignore[method-assign]


def _deny_in_the_service_s_own_words() -> None:
    """AWS: JSON services deny in JSON, with a code SDKs know. moto: in XML, which SDKs show as it is."""
    original = BaseResponse.call_action

    def mended(self: Any) -> Any:
        if self.headers.get("X-Amz-Target"):
            resource = self._determine_resource() if hasattr(self, "_determine_resource") else "*"
            try:
                self._authenticate_and_authorize_normal_action(resource)
            except HTTPException as error:
                code = getattr(error, "error_type", "AccessDenied")
                code = "AccessDeniedException" if code == "AccessDenied" else code
                message = getattr(error, "message", "") or error.description or ""
                status, headers, body = self.serialized(ActionResult(RefusedError(code, message)))
                return min(status, 403), headers, body
        return original(self)

    BaseResponse.call_action = mended  # type: ignore[method-assign]
