"""Runs the double's tests against another Grafana, which shows whether the double behaves like it.

    GRAFANA_URL=https://192.0.2.1:3000 GRAFANA_AUTH=admin:PASSWORD [GRAFANA_CA_CERT=FILE] pytest tests/sandbox/grafana

It must be one that nobody uses: the tests create users, data sources and rules in it, and delete what they created.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.sandbox.grafana.support import Grafana

URL = os.environ.get("GRAFANA_URL", "").rstrip("/")


def is_near() -> bool:
    """Whether that Grafana can reach what the tests serve on loopback (InfluxDB, CloudWatch)."""
    return urlsplit(URL).hostname in ("127.0.0.1", "::1", "localhost")


def connect() -> Grafana:
    """The Grafana in the environment variables. If it cannot be used, ends the tests with one sentence."""
    user, colon, password = os.environ.get("GRAFANA_AUTH", "").partition(":")
    if not colon:
        pytest.exit("GRAFANA_URL is set: set GRAFANA_AUTH=USER:PASSWORD of its administrator, too", 2)
    authority = os.environ.get("GRAFANA_CA_CERT")
    grafana = Grafana(URL, Path(authority) if authority else None, None, user, password)
    answer = grafana.call("GET", "/api/users")
    if answer.status_code != 200:
        pytest.exit(f"{URL} does not accept {user} (GRAFANA_AUTH) as its administrator: {answer.text[:200]}", 2)
    for kind in KINDS:
        if kind.is_content and (there := kind.keys(grafana)):
            names = ", ".join(sorted(there)[:5])
            pytest.exit(f"{URL} is in use ({kind.listed} has {names}): set GRAFANA_URL to a new Grafana", 2)
    return grafana


@dataclass(frozen=True)
class Kind:
    """A kind of object. listed: the path that lists all. deleted: the path that deletes one, by its key.

    inside: the field of the response with the list, if it is not the response itself.
    is_content: whether a new Grafana has none.
    """

    listed: str
    deleted: str
    key: str = "uid"
    inside: str = ""
    is_content: bool = True

    def keys(self, grafana: Grafana) -> set[str]:
        """The keys of the existing objects."""
        answer = grafana.call("GET", self.listed).json()
        return {str(item[self.key]) for item in (answer[self.inside] if self.inside else answer)}


_PROVISIONING = "/api/v1/provisioning"
KINDS = (
    Kind(f"{_PROVISIONING}/alert-rules", f"{_PROVISIONING}/alert-rules/{{}}"),
    Kind("/api/search?type=dash-db", "/api/dashboards/uid/{}"),
    Kind("/api/folders", "/api/folders/{}?forceDeleteRules=true"),
    Kind("/api/datasources", "/api/datasources/uid/{}"),
    Kind(f"{_PROVISIONING}/contact-points", f"{_PROVISIONING}/contact-points/{{}}", is_content=False),
    Kind("/api/serviceaccounts/search", "/api/serviceaccounts/{}", "id", "serviceAccounts"),
    Kind("/api/users", "/api/admin/users/{}", "id", is_content=False),
)


@contextmanager
def borrowed(grafana: Grafana) -> Iterator[Grafana]:
    """Use the Grafana for a test, and afterwards delete what was created in it."""
    before = {kind: kind.keys(grafana) for kind in KINDS}
    try:
        yield grafana
    finally:
        for kind, known in before.items():
            for key in kind.keys(grafana) - known:
                grafana.call("DELETE", kind.deleted.format(key))
