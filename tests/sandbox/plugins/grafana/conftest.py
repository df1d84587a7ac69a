"""The grafana plugin, with a running Grafana double."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.plugins.base import Properties
from sandbox.plugins.grafana.provider import GrafanaProvider
from tests.sandbox.grafana.support import Authority, Grafana, running
from tests.sandbox.plugins.conftest import Plugin


class Engine:
    """Takes a resource through its life as the engine does, and asserts what must always hold."""

    def __init__(self, plugin: Plugin, grafana: Grafana) -> None:
        self.plugin, self.grafana = plugin, grafana

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties, Properties]:
        """Create it; (id, inputs, state). Asserts that a second run and a refresh find nothing to do."""
        checked, failures = self.plugin.check(token, inputs)
        assert not failures
        self.plugin.create(token, checked, preview=True)
        id_, state = self.plugin.create(token, checked)
        again, _ = self.plugin.check(token, inputs, checked)
        assert not self.plugin.diff(token, state, checked, again).diffs
        found, state_read, inputs_read = self.plugin.read(token, id_, state, checked)
        assert found == id_
        assert {k: v for k, v in state_read.items() if v is not None} == {
            k: v for k, v in state.items() if v is not None
        }
        assert not self.plugin.diff(token, state_read, inputs_read, again).diffs
        return id_, checked, state

    def change(
        self, token: str, id_: str, old: Properties, state: Properties, **changes: Any
    ) -> tuple[Properties, Properties, list[str]]:
        """Change inputs; (inputs, state, replaces). Updates in place unless a new resource is required."""
        new, failures = self.plugin.check(token, {**old, **changes}, old)
        assert not failures
        answer = self.plugin.diff(token, state, old, new)
        assert answer.diffs
        if answer.replaces:
            return new, state, list(answer.replaces)
        self.plugin.update(token, id_, state, old, new, preview=True)
        updated = self.plugin.update(token, id_, state, old, new)
        assert not self.plugin.diff(token, updated, new, new).diffs
        return new, updated, []

    def drift(self, token: str, id_: str, inputs: Properties, state: Properties) -> list[str]:
        """What a refresh and then an update would change; ["gone"] if the resource is gone."""
        found, state_read, inputs_read = self.plugin.read(token, id_, state, inputs)
        if not found:
            return ["gone"]
        return list(self.plugin.diff(token, state_read, inputs_read, inputs).diffs)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "monitoring")


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Grafana]:
    folder: Path = tmp_path_factory.mktemp("grafana")
    with running(folder, authority, security__disable_brute_force_login_protection="true") as instance:
        yield instance


@pytest.fixture
def plugin(serve: Callable[[GrafanaProvider], Plugin]) -> Plugin:
    return serve(GrafanaProvider())


@pytest.fixture
def engine(plugin: Plugin, grafana: Grafana) -> Engine:
    plugin.configure(
        url=grafana.url,
        auth=f"{grafana.user}:{grafana.password}",
        caCert=Path(str(grafana.ca)).read_text(),
        retries="0",
    )
    return Engine(plugin, grafana)
