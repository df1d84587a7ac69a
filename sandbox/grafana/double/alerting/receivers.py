"""Types of integrations: which settings each requires, and which are secret.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Receiver:
    """A type of integration. required: settings that must not be empty; of those joined by `|`, one is enough."""

    required: tuple[str, ...]
    secret: tuple[str, ...] = ()


RECEIVERS = {
    "alertmanager": Receiver(("url",), ("basicAuthPassword",)),
    "dingding": Receiver(("url",), ("url",)),
    "discord": Receiver(("url",), ("url",)),
    "email": Receiver(("addresses",)),
    "googlechat": Receiver(("url",), ("url",)),
    "kafka": Receiver(("kafkaRestProxy", "kafkaTopic"), ("password",)),
    "line": Receiver(("token",), ("token",)),
    "mqtt": Receiver(("brokerUrl", "topic"), ("password",)),
    "oncall": Receiver(("url",), ("password", "authorization_credentials")),
    "opsgenie": Receiver(("apiKey",), ("apiKey",)),
    "pagerduty": Receiver(("integrationKey",), ("integrationKey",)),
    "prometheus-alertmanager": Receiver(("url",), ("basicAuthPassword",)),
    "pushover": Receiver(("apiToken", "userKey"), ("apiToken", "userKey")),
    "sensugo": Receiver(("url", "apikey"), ("apikey",)),
    "slack": Receiver(("url|token",), ("url", "token")),
    "sns": Receiver(("topic_arn",), ()),
    "teams": Receiver(("url",), ()),
    "telegram": Receiver(("bottoken", "chatid"), ("bottoken",)),
    "threema": Receiver(("gateway_id", "recipient_id", "api_secret"), ("api_secret",)),
    "victorops": Receiver(("url",), ("url",)),
    "webex": Receiver(("bot_token", "room_id"), ("bot_token",)),
    "webhook": Receiver(("url",), ("password", "authorization_credentials")),
    "wecom": Receiver(("url|secret",), ("url", "secret")),
}


def problem(kind: str, settings: Mapping[str, Any]) -> str | None:
    """What is wrong with the settings of an integration, or None."""
    receiver = RECEIVERS.get(kind)
    if receiver is None:
        return f"unknown receiver type {kind!r}"
    for entry in receiver.required:
        names = entry.split("|")
        if not any(settings.get(name) for name in names):
            return f"could not find {' or '.join(names)} in settings of {kind} receiver"
    return None
