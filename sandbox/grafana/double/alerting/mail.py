"""Notifications by email, through the server in grafana.ini's section [smtp].

https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#smtp
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from ..settings import Smtp
from .faults import DeliveryError

PATIENCE = 10
"""Seconds, as in Grafana."""

IMPLICIT_TLS_PORT = 465
"""The port on which TLS begins with the first byte; on others, STARTTLS begins it."""


def send(smtp: Smtp, settings: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Send a mail to each address of a contact point, or with `singleEmail` one to all."""
    if not smtp.enabled:
        raise DeliveryError("SMTP not configured, check your grafana.ini config file's [smtp] section")
    addresses = [address.strip() for address in re.split(r"[;,\n]", str(settings["addresses"])) if address.strip()]
    groups = [addresses] if settings.get("singleEmail") else [[address] for address in addresses]
    try:
        with _connection(smtp) as server:
            if smtp.user:
                server.login(smtp.user, smtp.password)
            for recipients in groups:
                server.send_message(_message(smtp, settings, body, recipients))
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(f"failed to send email: {type(error).__name__}") from None


def _connection(smtp: Smtp) -> smtplib.SMTP:
    host, _, port = smtp.host.rpartition(":")
    # The system's CAs, or those in SSL_CERT_FILE, which works for Grafana, too.
    context = ssl.create_default_context()
    if int(port) == IMPLICIT_TLS_PORT:
        return smtplib.SMTP_SSL(host, int(port), timeout=PATIENCE, context=context)
    server = smtplib.SMTP(host, int(port), timeout=PATIENCE)
    try:
        server.ehlo()
        if smtp.start_tls != "NoStartTLS" and (server.has_extn("starttls") or smtp.start_tls == "MandatoryStartTLS"):
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _message(smtp: Smtp, settings: Mapping[str, Any], body: Mapping[str, Any], to: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"{smtp.from_name} <{smtp.from_address}>"
    message["To"] = ", ".join(to)
    message["Subject"] = settings.get("subject") or body["title"]
    message.set_content(settings.get("message") or body["message"])
    return message
