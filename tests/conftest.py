"""What applies to every test."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

HERE = Path(__file__).parent

STARTED = frozenset({"aws", "authority", "database", "influx"})
"""Fixtures that start a server: the local AWS, an InfluxDB, the authority that signs a server's certificate. A test
with one is not a unit test."""

LONGEST = ("engine", "sandbox/plugins", "workflows", "sandbox/grafana", "sandbox/cloud", "components", "userdata")
"""Folders whose tests take longest, the longest first: then what is left for the end is short, and no process waits for
another."""

# Collecting tests, and a run of the program, make objects faster than Python's default (700) foresees, and spend a
# fifth of their time on looking for garbage among them.
gc.set_threshold(50_000, 20, 20)

# How long an example takes depends on the machine's load.
settings.register_profile("any machine", deadline=None)
settings.register_profile("check", settings.get_profile("any machine"), max_examples=20)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """The width that sandbox/suite.py sets is for pytest's summary, not for the programs that tests run."""
    if hasattr(config, "workerinput"):
        os.environ.pop("COLUMNS", None)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path.parent.relative_to(HERE)), len(LONGEST)))


class ByFolder(LoadFileScheduling):
    """Of `--dist loadfile`: the tests of a folder run in one process, because they share what their fixtures start, a
    local AWS, an InfluxDB, a stack that is up. Only those of an environment go by file, so that each can have several.

    pytest-xdist's own way, `--dist loadgroup`, does nothing with pytest 9.2, which keeps a test's id in another place.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith("tests/live/") else file.rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder | None:
    return ByFolder(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not scan it during each test."""
    gc.freeze()
