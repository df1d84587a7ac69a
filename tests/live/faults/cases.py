"""Cases of a fault: some run in `make test`, all of them in `make faults`."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def one_of(names: Iterable[str], *usual: str) -> list[ParameterSet]:
    """Parameters for each name; those that are not among `usual` are marked for `make faults`."""
    return [pytest.param(name, marks=[] if name in usual else pytest.mark.long_fault) for name in names]
