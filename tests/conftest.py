"""What applies to every test."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

HERE = Path(__file__).parent

STARTED = frozenset({"aws", "authority", "database", "influx"})
"""Fixtures that start a server (the local AWS, an InfluxDB) or make an authority for its certificate. A test that uses
one is not a unit test."""

LONGEST = ("engine", "sandbox/plugins", "workflows", "sandbox/grafana", "sandbox/cloud", "components", "userdata")
"""Folders whose tests take longest, the longest first: short tests remain for the end, and no process waits long for
another."""

# Collecting tests, and running the program, create so many objects that with Python's default threshold (700) a fifth
# of the time would go to garbage collection.
gc.set_threshold(50_000, 20, 20)

# No deadline: how long an example takes depends on the machine's load. The same examples each time: a change must not
# fail because of an example that no earlier run tried. "explore" tries others.
settings.register_profile("any machine", deadline=None, derandomize=True)
settings.register_profile("check", settings.get_profile("any machine"), max_examples=20)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Remove the width that sandbox/suite.py sets for pytest's summary: the programs that tests run must not see it."""
    if hasattr(config, "workerinput"):
        os.environ.pop("COLUMNS", None)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path.parent.relative_to(HERE)), len(LONGEST)))


class ByFolder(LoadFileScheduling):
    """What `--dist loadfile` does here: all tests of a folder run in one process, because they share what their
    fixtures start: a local AWS, an InfluxDB, a stack that is up. The files of tests/live are distributed one by one.

    pytest-xdist's own `--dist loadgroup` has no effect with pytest 9.2, which keeps a test's ID in another place.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith("tests/live/") else file.rpartition("/")[0]

    def _reschedule(self, node: WorkerController) -> None:
        """Assign a node its next file before the last test of the current one, not before the last two: meanwhile
        another node may be free. (A node starts a test only once it knows the next one.)"""
        if len(self.workqueue) == 0 or self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder | None:
    return ByFolder(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Exempt everything imported so far from garbage collection: it stays in memory anyway."""
    gc.freeze()
