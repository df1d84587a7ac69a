"""Certificate trust and logins of this program's own connections."""

from __future__ import annotations

import base64
import ssl


def trusting(ca: str | None, *, or_system: bool = False) -> ssl.SSLContext:
    """A context that trusts what the CA (PEM; None: the system's) has signed, as Telegraf, Grafana and browsers do.

    or_system: also trust the system's authorities, as a browser that knows the CA does.

    Since 3.13 Python is stricter than these, and refuses certificates that do not name their signer's key; before, it
    did not accept an authority that another one signed (docs.python.org/3/library/ssl.html#ssl.VERIFY_X509_STRICT,
    VERIFY_X509_PARTIAL_CHAIN).
    """
    context = ssl.create_default_context(cadata=ca)
    if or_system:
        context.load_default_certs()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def basic(user: str, password: str) -> str:
    """The header of a login, in UTF-8 as Telegraf, Grafana and curl send it; urllib3's own helper uses Latin-1."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
