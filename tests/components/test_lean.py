"""A run of the program sends no debug messages and collects no garbage."""

from __future__ import annotations

import gc
from typing import Any
from unittest.mock import Mock, patch

import pulumi
from pulumi.runtime.proto import engine_pb2

from program.lean import lean


def test_the_engine_gets_warnings_but_no_debug_messages() -> None:
    engine: Any = Mock()
    with (
        patch("pulumi.log.get_engine", return_value=engine),
        patch("pulumi.log.debug", pulumi.log.debug),
        patch("gc.disable"),
    ):
        lean()
        pulumi.log.debug("registering resource")
        pulumi.log.warn("look at this")
    assert [call.args[0].severity for call in engine.Log.call_args_list] == [engine_pb2.WARNING]


def test_garbage_is_not_collected() -> None:
    assert gc.isenabled()
    with patch("pulumi.log.debug", pulumi.log.debug):
        lean()
    try:
        assert not gc.isenabled()
    finally:
        gc.enable()
