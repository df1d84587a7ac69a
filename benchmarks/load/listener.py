"""Stands in for InfluxDB while an agent is recorded: accepts all requests, and prints them at the end.

    python -m benchmarks.load.listener PORT SECONDS

Prints one JSON list with the path, the headers and the text of each request.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


def listen(port: int, seconds: float) -> list[dict[str, Any]]:
    """The requests within this number of seconds."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"".join(self._chunks())
            text = gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
            headers = {name: value for name, value in self.headers.items() if name != "Authorization"}
            requests.append({"path": self.path, "headers": headers, "text": text.decode()})
            self.send_response(204)
            self.end_headers()

        def _chunks(self) -> Iterator[bytes]:
            """The body's chunks: when Telegraf compresses, it does not know the length in advance."""
            if self.headers["Transfer-Encoding"] != "chunked":
                yield self.rfile.read(int(self.headers["Content-Length"] or 0))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    server.timeout = 0.5
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        server.handle_request()
    return requests


if __name__ == "__main__":
    json.dump(listen(int(sys.argv[1]), float(sys.argv[2])), sys.stdout)
