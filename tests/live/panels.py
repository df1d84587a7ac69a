"""What a panel asks, asked in its place."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.viewer.queries import PanelQuery
from tests.live.environment import Environment


def ask(environment: Environment, query: PanelQuery) -> dict[str, Any]:
    grafana = environment.grafana
    answer = requests.post(
        f"{grafana.url}/api/ds/query",
        json=query.request(),
        auth=(grafana.user, grafana.password),
        verify=str(grafana.ca_file),
        timeout=30,
    )
    assert answer.status_code == 200, f"{query.title}: {answer.status_code} {answer.text[:500]}"
    return dict(answer.json()["results"])
