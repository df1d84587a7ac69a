"""What holds for every test."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

STARTED = frozenset({"aws", "database", "influx"})
"""Fixtures that start another program: the local AWS, an InfluxDB. What has them is no unit test."""

# How long an example takes depends on what else the machine does.
settings.register_profile("any machine", deadline=None)
settings.register_profile("check", settings.get_profile("any machine"), max_examples=20)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not look through it during each test."""
    gc.freeze()
