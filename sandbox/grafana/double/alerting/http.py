"""What all provisioning endpoints share: provenance and the format of errors."""

from __future__ import annotations

from typing import Any

from flask import request

from ..errors import ApiError


def provenance() -> str:
    """`api` for objects managed by this API; empty (editable in the UI) with the header X-Disable-Provenance."""
    return "" if "X-Disable-Provenance" in request.headers else "api"


def check_provenance(stored: dict[str, Any]) -> None:
    """Raises 409 if a request without provenance would change an object that the API manages."""
    if stored.get("provenance", "") == "api" and provenance() == "":
        raise ApiError(409, "cannot change provenance from 'api' to ''")


def invalid(reason: str) -> ApiError:
    """A 400 with the message of Grafana's provisioning API."""
    return ApiError(400, f"invalid object specification: {reason}", traceID="")
