"""Cases of a fault: the usual ones in `make test`, all of them in `make faults`."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def one_of(names: Iterable[str], *usual: str) -> list[ParameterSet]:
    """Each name as a test; those that are not usual are for `make faults`."""
    return [pytest.param(name, marks=[] if name in usual else pytest.mark.long_fault) for name in names]
