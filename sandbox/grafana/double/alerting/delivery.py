"""Sends one notification through one integration of a contact point."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from ..basic_login import basic
from ..context import Context
from . import mail, payloads, receivers, store
from .faults import DeliveryError

PATIENCE = 5
"""Seconds. Grafana waits longer, but this stand-in notifies one group after the other."""


def send(shared: Context, point: store.Document, body: Mapping[str, Any]) -> None:
    """Send a notification through one integration; DeliveryError if that fails."""
    settings = _opened(shared, point)
    kind = point["type"]
    if kind == "webhook":
        _post(settings["url"], body, settings)
    elif kind == "slack" and settings.get("url"):
        _post(settings["url"], payloads.slack(body, str(settings.get("recipient") or "")), {})
    elif kind == "pagerduty":
        payloads.pagerduty(body, settings["integrationKey"])
        raise DeliveryError("this stand-in does not send to PagerDuty, whose only address is on the internet")
    elif kind == "email":
        mail.send(shared.settings.smtp, settings, body)
    else:
        raise DeliveryError(f"this stand-in cannot send by {kind}")


def _opened(shared: Context, point: store.Document) -> dict[str, Any]:
    secret = receivers.RECEIVERS[point["type"]].secret
    return {
        key: shared.vault.open(value) if key in secret and value else value for key, value in point["settings"].items()
    }


def _post(url: str, body: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    headers = {"User-Agent": "Grafana", "Content-Type": "application/json"}
    if settings.get("authorization_credentials"):
        scheme = settings.get("authorization_scheme") or "Bearer"
        headers["Authorization"] = f"{scheme} {settings['authorization_credentials']}"
    elif settings.get("username"):
        headers["Authorization"] = basic(settings["username"], settings.get("password") or "")
    method = str(settings.get("httpMethod") or "POST")
    try:
        answer = urllib3.request(
            method, url, body=json.dumps(body), headers=headers, timeout=PATIENCE, retries=False, redirect=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise DeliveryError(f"failed to send: {type(error).__name__}") from None
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"failed to send: the server responded with status {answer.status}")
