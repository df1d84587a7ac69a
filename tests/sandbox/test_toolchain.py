"""The toolchain's bookkeeping. (The builds themselves run when `make test` runs on a new machine.)"""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.errors import SandboxError
from sandbox.toolchain.recipes import RECIPES, Recipe


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def recipes(monkeypatch: pytest.MonkeyPatch, *names: str, fails: str = "") -> list[str]:
    """Replace the recipes by ones that only write a file; returns the list of builds so far."""
    built: list[str] = []

    def build(self: Recipe, into: Path, go: object) -> None:
        del go
        if self.name == fails:
            raise SandboxError(f"{self.name} does not compile")
        built.append(self.name)
        (into / self.produces[0]).write_text(self.name)

    monkeypatch.setattr(toolchain, "RECIPES", tuple(Recipe(name, "1", (name,)) for name in names))
    monkeypatch.setattr(Recipe, "build", build)
    monkeypatch.setattr(Recipe, "find", lambda self: {})
    return built


def test_each_program_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = recipes(monkeypatch, "one", "two")
    folder = toolchain.ensure()
    assert folder.is_relative_to(cache)
    assert toolchain.ensure() == folder
    assert built == ["one", "two"]
    assert (folder / "two").stat().st_mode & 0o111


def test_a_failed_build_resumes_where_it_stopped(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = recipes(monkeypatch, "one", "two", "three", fails="two")
    with pytest.raises(SandboxError, match="two does not compile"):
        toolchain.ensure()
    assert [recipe.name for recipe in toolchain.missing()] == ["two", "three"]
    built = recipes(monkeypatch, "one", "two", "three")
    toolchain.ensure()
    assert built == ["two", "three"]
    assert not list(toolchain.binaries().glob(".building-*"))


def test_another_version_gets_its_own_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = toolchain.binaries()
    monkeypatch.setattr(toolchain, "RECIPES", (*RECIPES[:-1], Recipe("pulumi", "0.0.1", ("pulumi",))))
    assert toolchain.binaries() != before


def test_pulumi_on_the_path_is_used_only_if_it_is_the_pinned_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi = next(recipe for recipe in RECIPES if recipe.name == "pulumi")
    for name in pulumi.produces:
        (tmp_path / name).write_text(f"#!/bin/sh\necho v{pulumi.version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert set(pulumi.find()) == set(pulumi.produces)
    (tmp_path / "pulumi").write_text("#!/bin/sh\necho v3.0.0\n")
    assert pulumi.find() == {}
