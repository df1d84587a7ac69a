"""The alert rules as Grafana reports them, and more frequent evaluation for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.environment import Environment

RULES = "/api/prometheus/grafana/api/v1/rules"


QUICK = {"interval": "10s", "silentAfter": "30s"}


def rules(environment: Environment) -> dict[str, dict[str, Any]]:
    """What Grafana reports about each rule, by uid."""
    groups = environment.grafana.get(RULES).json()["data"]["groups"]
    return {rule["uid"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
def quick(environment: Environment) -> Iterator[None]:
    """Rules that are evaluated often, set as a person would."""
    with environment.settings(alertThresholds=QUICK):
        environment.settle()
        yield
