"""How this program's own connections trust and log in."""

from __future__ import annotations

import base64
import ssl


def trusting(ca: str | None) -> ssl.SSLContext:
    """Trusts what the CA (PEM; None: the system's) has signed, as Telegraf, Grafana and browsers do.

    Since 3.13 Python is stricter than these, and refuses certificates that do not name their signer's key
    (docs.python.org/3/library/ssl.html#ssl.VERIFY_X509_STRICT).
    """
    context = ssl.create_default_context(cadata=ca)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def basic(user: str, password: str) -> str:
    """The header of a login, in UTF-8 as Telegraf, Grafana and curl send it; urllib3's own helper takes Latin-1."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
