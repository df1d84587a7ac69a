"""Reloads the server's certificate when its files change: `[server] certs_watch_interval`.

https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#certs_watch_interval
"""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path

log = logging.getLogger("grafana.server")


class Watcher:
    """Checks the files every `interval` seconds. A certificate and key that do not match are ignored until they do."""

    def __init__(self, context: ssl.SSLContext, certificate: str, key: str, interval: float) -> None:
        self._context = context
        self._files = (certificate, key)
        self._interval = interval
        self._seen = self._stamps()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificates", daemon=True)

    def start(self) -> None:
        """Start watching, unless the interval is 0 (the default)."""
        if self._interval > 0:
            self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def reload(self) -> None:
        """Load the files if they have changed and are valid."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return
            # Into a separate context first: a failure half-way would leave the one in use without a key.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
            self._context.load_cert_chain(*self._files)
        except (ssl.SSLError, OSError) as error:
            log.error("Not able to reload certificates error=%s", error)
        else:
            self._seen = stamps
            log.info("Server certificates updated")

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self.reload()

    def _stamps(self) -> list[tuple[int, int]]:
        return [(found.st_mtime_ns, found.st_ino) for found in (Path(name).stat() for name in self._files)]
