"""A preview says what follows from a change, also where the provider keeps quiet about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.product import Product

pytestmark = pytest.mark.slow


def test_a_changed_file_is_seen_to_go_through_the_gate(person: Callable[..., Product]) -> None:
    """The gate itself cannot be passed here; what leads to it is the revision."""
    mine = person()
    mine.up()
    mine.configure(retention="8d")
    changes = mine.preview()
    assert changes["Parameter::server.conf"] == "update"
    assert changes["Parameter::parameters-revision"] == "update"
    mine.destroy()
