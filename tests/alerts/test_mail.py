"""Email is sent encrypted, to a verified server and with a login, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.grafana.double.alerting import mail
from sandbox.grafana.double.alerting.faults import DeliveryError
from sandbox.grafana.double.settings import Smtp
from sandbox.loopback import free_port
from tests.sandbox.grafana.support import Authority

LOGIN = LoginPassword(b"AKIA", b"of the mail server")
BODY = {"title": "[FIRING:1] Disk nearly full web-1", "message": "/var of web-1 is 97 % full"}
TO = {"addresses": "ops@example.com;boss@example.com"}


class Mailbox(Sink):
    """Keeps the recipients and the content of each mail."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[list[str], str]] = []

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert session.ssl and session.authenticated
        self.received.append((envelope.rcpt_tos, str(envelope.content.decode())))  # type: ignore[union-attr]
        return "250 OK"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data == LOGIN, handled=False)


def context(authority: Authority) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*authority.server_files("mail"))
    return made


@pytest.fixture
def mailbox(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mailbox, Smtp]]:
    """A mail server on loopback that requires STARTTLS and a login, and Grafana's settings for it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    kept, port = Mailbox(), free_port()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        tls_context=context(authority),
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    smtp = Smtp(
        enabled=True,
        host=f"127.0.0.1:{port}",
        user="AKIA",
        password="of the mail server",
        from_address="monitoring@example.com",
        from_name="monitoring-dev",
        start_tls="MandatoryStartTLS",
    )
    yield kept, smtp
    controller.stop()


def test_each_address_gets_its_own_mail(mailbox: tuple[Mailbox, Smtp]) -> None:
    kept, smtp = mailbox
    mail.send(smtp, TO, BODY)
    assert [to for to, _ in kept.received] == [["ops@example.com"], ["boss@example.com"]]
    _, text = kept.received[0]
    assert "From: monitoring-dev <monitoring@example.com>" in text
    assert "Subject: [FIRING:1] Disk nearly full web-1" in text
    assert "/var of web-1 is 97 % full" in text


def test_one_mail_goes_to_all_addresses_on_request(mailbox: tuple[Mailbox, Smtp]) -> None:
    kept, smtp = mailbox
    mail.send(smtp, TO | {"singleEmail": True}, BODY)
    assert [to for to, _ in kept.received] == [["ops@example.com", "boss@example.com"]]


def test_with_a_wrong_password_nothing_is_sent(mailbox: tuple[Mailbox, Smtp]) -> None:
    kept, smtp = mailbox
    with pytest.raises(DeliveryError, match="SMTPAuthenticationError"):
        mail.send(replace(smtp, password="another"), TO, BODY)
    assert not kept.received


def test_with_an_unknown_certificate_nothing_is_sent(
    mailbox: tuple[Mailbox, Smtp], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, smtp = mailbox
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
        mail.send(smtp, TO, BODY)
    assert not kept.received


def test_without_encryption_nothing_is_sent(mailbox: tuple[Mailbox, Smtp]) -> None:
    port, unencrypted = free_port(), Mailbox()
    plain = Controller(unencrypted, hostname="127.0.0.1", port=port)
    plain.start()
    try:
        with pytest.raises(DeliveryError, match="SMTPNotSupportedError"):
            mail.send(replace(mailbox[1], host=f"127.0.0.1:{port}"), TO, BODY)
    finally:
        plain.stop()
    assert not unencrypted.received


def test_without_a_mail_server_the_error_is_grafana_s_own(mailbox: tuple[Mailbox, Smtp]) -> None:
    with pytest.raises(DeliveryError, match=r"SMTP not configured, check your grafana.ini"):
        mail.send(replace(mailbox[1], enabled=False), TO, BODY)
