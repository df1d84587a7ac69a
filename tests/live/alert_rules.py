"""The alert rules as Grafana reports them, and a fixture that has them evaluated more often."""

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


def state_of(environment: Environment, uid: str, host: str) -> str:
    """The state of one host in a rule; "" while the rule does not see the host."""
    alerts = rules(environment)[uid]["alerts"]
    return next((str(alert["state"]) for alert in alerts if alert["labels"].get("host") == host), "")


@pytest.fixture(scope="module")
def quick(environment: Environment) -> Iterator[None]:
    """Rules are evaluated often, set as a person would set it."""
    with environment.settings(alertThresholds=QUICK):
        environment.settle()
        yield
