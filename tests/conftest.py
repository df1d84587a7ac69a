"""How `make test` spreads the tests over two processes."""

from __future__ import annotations

from pathlib import Path

import pytest

LIVE = Path(__file__).parent / "live"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests that share the live environment stay in one process and in order; else a file stays together.

    (With `--dist loadgroup`. The live tests mostly wait for machines, and leave the processor to the others.)
    """
    for item in items:
        group = "live" if item.path.is_relative_to(LIVE) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
