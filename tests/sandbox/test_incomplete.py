"""Commands run while the first `make up` is still under way: one sentence, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import __main__ as entry
from sandbox import daemons, stack
from sandbox.place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place where only the local AWS is running yet."""
    found = Place(tmp_path, "default")
    found.state.mkdir(parents=True)
    monkeypatch.setattr(Place, "here", lambda: found)
    monkeypatch.setattr(daemons, "pid", lambda *_: 1)
    monkeypatch.setattr(daemons, "running", lambda *_: True)
    return found


@pytest.mark.parametrize("command", ["status", "password", "shell", "pictures"])
def test_before_there_is_a_project(place: Place, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert entry.main([command]) == 1
    assert capsys.readouterr().err.strip() == stack.INCOMPLETE


@pytest.mark.parametrize("command", ["status", "password"])
def test_before_the_stack_has_outputs(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    stack.project_folder(place).mkdir()
    monkeypatch.setattr(stack, "pulumi", lambda *_, **__: "{}")
    assert entry.main([command]) == 1
    assert capsys.readouterr().err.strip() == stack.INCOMPLETE
