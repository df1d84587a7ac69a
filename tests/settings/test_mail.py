"""The setting `smtp`, and email as a way to be notified."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from tests.settings.test_alerting import SECRET, SLACK
from tests.support.configuration import mistakes, raw

SMTP = {"host": "smtp.example.com", "user": "AKIA", "password": "p", "sender": "monitoring@example.com"}
SMTP_SECRET = (*SECRET, "monitoring:smtp")


def test_email_with_a_mail_server_is_accepted() -> None:
    settings = load(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP), SMTP_SECRET)
    assert settings.contact_points is not None and settings.smtp is not None
    assert settings.contact_points.email == ("ops@example.com",)
    assert settings.smtp.port == 587
    assert "password='p'" not in repr(settings.smtp)


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("host", "smtp.example.com:587", "is not a domain name"),
        ("host", "-x", "is not a domain name"),
        ("port", 25, "is not a port for encrypted mail"),
        ("port", True, "is not a port for encrypted mail"),
        ("user", "a b", "is not a valid SMTP user name"),
        ("user", "a\n[security]", "is not a valid SMTP user name"),
        ("password", "it's", "single quote"),
        ("sender", "Monitoring", "is not an email address"),
        ("tls", "no", "the known keys are"),
    ],
)
def test_a_wrong_mail_server_is_reported(key: str, value: Any, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP | {key: value}), SMTP_SECRET)
    assert reported.startswith(f"monitoring:smtp.{key}") and wrong in reported


@pytest.mark.parametrize("port", [465, "587", 2465, 2587])
def test_every_port_for_encrypted_mail_is_accepted(port: int | str) -> None:
    """RFC 8314, and docs.aws.amazon.com/ses/latest/dg/smtp-connect.html."""
    settings = load(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP | {"port": port}), SMTP_SECRET)
    assert settings.smtp is not None and settings.smtp.port == int(port)


def test_an_email_address_has_at_most_254_characters() -> None:
    """RFC 5321, 4.5.3.1.3: a path of 256 characters with its brackets."""
    longest = "o" * 64 + "@" + ".".join(["d" * 63, "e" * 63, "f" * 57, "com"])
    assert len(longest) == 254
    assert load(raw(contactPoints={"email": [longest]}, smtp=SMTP), SMTP_SECRET).contact_points
    (reported,) = mistakes(raw(contactPoints={"email": [longest + "m"]}, smtp=SMTP), SMTP_SECRET)
    assert "is not an email address" in reported


def test_email_and_smtp_require_each_other() -> None:
    (reported,) = mistakes(raw(contactPoints={"email": ["ops@example.com"]}), SECRET)
    assert "monitoring:smtp" in reported and "is missing" in reported
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK}, smtp=SMTP), SMTP_SECRET)
    assert "has no recipients" in reported
