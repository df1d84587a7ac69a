"""A damaged file in the cache is detected, and only what it belongs to is rebuilt."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sandbox import sums, toolchain
from sandbox.errors import SandboxError
from sandbox.machines import image
from sandbox.viewer import bundle
from tests.sandbox.test_toolchain import cache, recipes

__all__ = ["cache"]


def _overwrite_with_old_times(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"\0" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:2]),
    "emptied": lambda file: file.write_bytes(b""),
    "overwritten": lambda file: file.write_bytes(b"\0" * file.stat().st_size),
    "missing": lambda file: file.unlink(),
    "overwritten, with its old times": _overwrite_with_old_times,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "below").mkdir(parents=True)
    (made / "one").write_text("first")
    (made / "below" / "two").write_text("second")
    (made / "link").symlink_to("/nowhere")
    sums.record(made)
    return made


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_detected(folder: Path, damage: str) -> None:
    assert sums.damaged(folder) == []
    DAMAGES[damage](folder / "below" / "two")
    assert sums.damaged(folder) == ["below/two"]


def test_copied_and_touched_files_are_not_damaged(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    assert sums.damaged(copy) == []
    (copy / "one").touch()
    assert sums.damaged(copy) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"one": 1}'])
def test_a_damaged_list_causes_no_traceback(folder: Path, content: str) -> None:
    (folder / sums.LIST).write_text(content)
    assert sums.damaged(folder) == []


def test_a_folder_without_a_list_is_recorded_as_it_is(folder: Path) -> None:
    (folder / sums.LIST).unlink()
    assert sums.damaged(folder) == []
    (folder / "one").write_text("other")
    assert sums.damaged(folder) == ["one"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_only_the_damaged_program_is_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    built = recipes(monkeypatch, "one", "two")
    folder = toolchain.ensure()
    DAMAGES[damage](folder / "two")
    toolchain.ensure()
    assert built == ["one", "two", "two"]
    assert (folder / "two").read_text() == "two"


def tiny_image(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the image by one that contains a single file; returns the list of builds."""
    built: list[str] = []

    def build(folder: Path, _: object) -> None:
        built.append(folder.name)
        for name in ("root", "mirror"):
            (folder / name).mkdir()
        (folder / "root" / "init").write_text("the system")

    monkeypatch.setattr(image, "_build", build)
    return built


def test_a_damaged_image_is_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tiny_image(monkeypatch)
    root = image.ensure_image()
    assert image.ensure_image() == root
    (root / "init").write_text("the sy")
    image.ensure_image()
    assert len(built) == 2
    assert (root / "init").read_text() == "the system"


def test_a_damaged_image_is_not_removed_while_machines_use_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_image(monkeypatch)
    root = image.ensure_image()
    (root / "init").write_text("the sy")
    monkeypatch.setattr(image, "_in_use", lambda _: True)
    with pytest.raises(SandboxError, match=r"root/init.*make down"):
        image.ensure_image()
    assert (root / "init").exists()


def test_a_damaged_bundle_and_damaged_packages_are_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(command: list[str], folder: Path) -> None:
        ran.append(command[0])
        module = bundle.packages_folder() / "node_modules" / "react"
        if command[0] == "npm":
            module.parent.mkdir(exist_ok=True)
            module.write_text("whole")
        elif module.read_text() != "whole":
            raise SandboxError("the bundler does not know what react is")
        else:
            (folder / "www").mkdir()
            (folder / "www" / "index.html").write_text("page")

    monkeypatch.setattr(bundle, "_run", run)
    www = bundle.ensure()
    assert bundle.ensure() == www
    assert ran == ["npm", "node"]
    (www / "index.html").write_text("pa")
    assert bundle.ensure() == www
    assert (www / "index.html").read_text() == "page"
    assert ran == ["npm", "node", "node"]
    (www / "index.html").unlink()
    (bundle.packages_folder() / "node_modules" / "react").write_text("wh")
    bundle.ensure()
    assert ran == ["npm", "node", "node", "node", "npm", "node"]
