"""Which certificates this program's own connections trust."""

from __future__ import annotations

import ssl


def trusting(ca: str | None) -> ssl.SSLContext:
    """Trusts what the CA (PEM; None: the system's) has signed, as Telegraf, Grafana and browsers do.

    Since 3.13 Python is stricter than these, and refuses certificates that do not name their signer's key
    (docs.python.org/3/library/ssl.html#ssl.VERIFY_X509_STRICT).
    """
    context = ssl.create_default_context(cadata=ca)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
