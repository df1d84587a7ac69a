"""What all provisioning endpoints share: provenance and the format of a refusal."""

from __future__ import annotations

from typing import Any

from flask import request

from ..errors import ApiError


def provenance() -> str:
    """`api` for what this API manages; empty (editable by hand) with the X-Disable-Provenance header."""
    return "" if "X-Disable-Provenance" in request.headers else "api"


def check_provenance(stored: dict[str, Any]) -> None:
    """409 when someone wants to edit by hand what the API manages, or the other way round."""
    if stored.get("provenance", "") == "api" and provenance() == "":
        raise ApiError(409, "cannot change provenance from 'api' to ''")


def invalid(reason: str) -> ApiError:
    """400 in the words of Grafana's provisioning API."""
    return ApiError(400, f"invalid object specification: {reason}", traceID="")
