"""What every request handler shares, and small helpers around Flask's request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app, request

from .bundled import Bundled
from .database import Database
from .errors import ApiError
from .secrets import Vault
from .settings import Settings


@dataclass(frozen=True)
class Context:
    """Settings, database, vault and bundled plugins of one running server."""

    settings: Settings
    database: Database
    vault: Vault
    bundled: Bundled


def context() -> Context:
    """The running application's context."""
    return cast(Context, current_app.extensions["grafana"])


def body() -> dict[str, Any]:
    """The request's JSON object; 400 in Grafana's words when it is something else."""
    value = request.get_json(silent=True, force=True)
    if not isinstance(value, dict):
        raise ApiError(400, "bad request data")
    return value


def text(source: dict[str, Any], key: str, default: str = "") -> str:
    """A text field of a JSON object; null and absent are `default`, another type is 400."""
    value = source.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ApiError(400, f"bad request data: {key} must be a string")
    return value
