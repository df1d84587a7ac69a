"""Serves the local AWS of a throw-away place on free loopback ports.

It runs in a process of its own because its patches change moto's classes, which other tests use unpatched. Once it
serves, it prints its ports: AWS over plain HTTP, the metadata service, AWS for the operator. The metadata service takes
the requesting machine's address from a header, because there is no bridge.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.cloud import listeners, metadata, server
from sandbox.place import Place


def main(folder: Path) -> None:
    place = Place(folder, "test")
    (place.state / "cloud").mkdir(parents=True)
    aws = server.create_app(place)
    server.initialize(place)
    service = metadata.create_app(aws.lock)

    def metadata_service(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_TEST_ADDRESS", "")
        return service(environ, start_response)

    servers = [listeners.listen("127.0.0.1", 0, aws), listeners.listen("127.0.0.1", 0, metadata_service)]
    servers.append(listeners.listen("127.0.0.1", 0, server.as_over_tls(aws)))
    servers.append(server.identity_provider(place.state / "cloud", "127.0.0.1", 0))
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    print(*(each.port for each in servers[:3]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
