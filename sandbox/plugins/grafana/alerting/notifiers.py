"""The kinds of integrations in a contact point, and the names of their settings.

https://registry.terraform.io/providers/grafana/grafana/latest/docs/resources/contact_point
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.plugins.base import BOOLEAN, INTEGER, TEXT, ListOf, MapOf
from sandbox.plugins.grafana.shapes import Mapped, Shape


@dataclass(frozen=True)
class Notifier:
    """A kind of integration. type: in the API.  settings: of one integration."""

    type: str
    settings: Shape


def _notifier(type_: str, **settings: Mapped) -> Notifier:
    return Notifier(type_, Shape(settings))


def _required(api: str, *, hidden: bool = False) -> Mapped:
    return Mapped(api, required=True, hidden=hidden)


_MESSAGE, _TITLE = Mapped("message"), Mapped("title")

NOTIFIERS = {
    "emails": _notifier(
        "email",
        addresses=Mapped("addresses", ListOf(TEXT), required=True, joined=";"),
        message=_MESSAGE,
        subject=Mapped("subject"),
        singleEmail=Mapped("singleEmail", BOOLEAN, default=False),
    ),
    "pagerduties": _notifier(
        "pagerduty",
        integrationKey=_required("integrationKey", hidden=True),
        severity=Mapped("severity"),
        component=Mapped("component"),
        group=Mapped("group"),
        summary=Mapped("summary"),
        source=Mapped("source"),
        client=Mapped("client"),
        clientUrl=Mapped("client_url"),
        details=Mapped("details", MapOf(TEXT)),
        url=Mapped("url"),
        **{"class": Mapped("class")},
    ),
    "slacks": _notifier(
        "slack",
        url=Mapped("url", hidden=True),
        token=Mapped("token", hidden=True),
        recipient=Mapped("recipient"),
        endpointUrl=Mapped("endpointUrl"),
        text=Mapped("text"),
        title=_TITLE,
        username=Mapped("username"),
        iconEmoji=Mapped("icon_emoji"),
        iconUrl=Mapped("icon_url"),
        mentionChannel=Mapped("mentionChannel"),
        mentionUsers=Mapped("mentionUsers"),
        mentionGroups=Mapped("mentionGroups"),
        color=Mapped("color"),
    ),
    "webhooks": _notifier(
        "webhook",
        url=_required("url"),
        httpMethod=Mapped("httpMethod"),
        basicAuthUser=Mapped("username"),
        basicAuthPassword=Mapped("password", hidden=True),
        authorizationScheme=Mapped("authorization_scheme"),
        authorizationCredentials=Mapped("authorization_credentials", hidden=True),
        maxAlerts=Mapped("maxAlerts", INTEGER),
        headers=Mapped("headers", MapOf(TEXT)),
        message=_MESSAGE,
        title=_TITLE,
    ),
}
"""By the name of the contact point's input. The local environment refuses other kinds."""
