"""The stand-in plugins have what the program uses and nothing else: nothing would test the rest."""

from __future__ import annotations

import pytest

from sandbox.plugins.aws.provider import AwsProvider
from sandbox.plugins.base import Provider
from sandbox.plugins.command.provider import CommandProvider
from sandbox.plugins.grafana.alerting.notifiers import NOTIFIERS
from sandbox.plugins.grafana.provider import GrafanaProvider
from sandbox.plugins.random.provider import RandomProvider
from sandbox.plugins.tls.provider import TlsProvider
from tests.components.conftest import Run, run_bootstrap, run_once
from tests.components.examples import POINTS, SMTP
from tests.components.test_hardening import VARIANTS
from tests.support.configuration import HOST

PROVIDERS = (AwsProvider(), CommandProvider(), GrafanaProvider(), RandomProvider(), TlsProvider())


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """The program with every variant of the settings, and the bootstrap."""
    reported = {
        "contactPoints": POINTS | {"email": ["me@example.com"]},
        "smtp": SMTP,
        "muteTimings": [{"name": "night", "times": ["00:00-06:00"]}],
        "deadMansSwitch": {"email": ["me@example.com"], "heartbeat": "https://hc.example.com/x"},
    }
    every = [run_once(**variant) for variant in VARIANTS.values()]
    further = [run_once(reported, secret=tuple(reported)), run_once({"hosts": [HOST]}, secret=("hosts",))]
    return [*every, *further, run_bootstrap()]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.package)
def test_a_plugin_has_the_resources_that_the_program_makes(provider: Provider[object], runs: list[Run]) -> None:
    used = {each.type for run in runs for each in run.resources if each.type.startswith(f"{provider.package}:")}
    assert {kind.token for kind in provider.resources} == used


def test_the_plugins_have_the_functions_that_the_program_calls(runs: list[Run]) -> None:
    called = {name for run in runs for name, _ in run.calls}
    assert {each.token.rpartition(":")[2] for provider in PROVIDERS for each in provider.functions} == called


def test_the_grafana_plugin_has_the_notifiers_that_settings_can_choose(runs: list[Run]) -> None:
    used = {name for run in runs for each in run.all("ContactPoint") for name in each.inputs if name != "name"}
    assert set(NOTIFIERS) == used
