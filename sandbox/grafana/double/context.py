"""What all request handlers share, and helpers around Flask's request."""

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
    """The request's JSON object; 400 with Grafana's message if the body is anything else."""
    value = request.get_json(silent=True, force=True)
    if not isinstance(value, dict):
        raise ApiError(400, "bad request data")
    return value


def text(source: dict[str, Any], key: str, default: str = "") -> str:
    """A string field of a JSON object, `default` if it is null or missing; 400 for any other type."""
    value = source.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ApiError(400, f"bad request data: {key} must be a string")
    return value
