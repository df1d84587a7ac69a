"""Users' permissions boundaries."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.responses import IamResponse

from sandbox.cloud.patches.registry import ABSENT, patch


@patch(IamResponse, "create_user", source="e570f973")
def create_user(original: Any, self: Any) -> ActionResult:
    """AWS: a new user can have a boundary, and GetUser returns it (API_CreateUser). moto: drops it."""
    answer: ActionResult = original(self)
    _set(self)
    return answer


@patch(IamResponse, "put_user_permissions_boundary", source=ABSENT)
def put_user_permissions_boundary(_: Any, self: Any) -> ActionResult:
    """AWS: sets it (API_PutUserPermissionsBoundary). moto: does not have the action."""
    _set(self)
    return EmptyResult()


@patch(IamResponse, "delete_user_permissions_boundary", source=ABSENT)
def delete_user_permissions_boundary(_: Any, self: Any) -> ActionResult:
    """AWS: removes it (API_DeleteUserPermissionsBoundary). moto: does not have the action."""
    user = self.backend.get_user(self._get_param("UserName"))
    user.permissions_boundary_arn = user.permissions_boundary = None
    return EmptyResult()


def _set(response: Any) -> None:
    """Store the boundary where moto stores those of roles."""
    arn = response._get_param("PermissionsBoundary")
    if arn:
        user = response.backend.get_user(response._get_param("UserName"))
        user.permissions_boundary_arn = arn
        user.permissions_boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
