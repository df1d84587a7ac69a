"""Locks between processes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from sandbox.locks import locked


def test_a_held_lock_calls_wait_which_can_refuse(tmp_path: Path) -> None:
    file, calls = tmp_path / "folder" / "lock", []

    def refuse() -> AbstractContextManager[None]:
        calls.append("refused")
        raise BlockingIOError("held")

    with locked(file, refuse):
        with pytest.raises(BlockingIOError, match="held"), locked(file, refuse):
            pytest.fail("two at once")
        assert calls == ["refused"]
    with locked(file, refuse):
        assert calls == ["refused"], "it is free again"


def test_a_released_lock_ends_the_wait(tmp_path: Path) -> None:
    first = locked(tmp_path / "lock")
    first.__enter__()

    def release() -> AbstractContextManager[None]:
        first.__exit__(None, None, None)
        return nullcontext()

    with locked(tmp_path / "lock", release):
        pass
