"""Patches of moto: each declared for one version of the source, all of them applied or none, and undone."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from moto.iam.models import IAMBackend

from sandbox.cloud import patches
from sandbox.cloud.patches.registry import ABSENT, PatchError, Registry, digest
from sandbox.place import Place

UPSTREAM = Path(inspect.getfile(patches)).parent / "upstream"


class Backend:
    """Stands in for a class of moto's."""

    limit = 1

    def delete(self, name: str) -> str:
        return f"deleted {name}"

    @property
    def address(self) -> str:
        return "10.0.0.1"


def strict(registry: Registry, source: str) -> None:
    @registry.patch(Backend, "delete", source=source)
    def delete(original: Any, self: Any, name: str) -> str:
        return f"checked, {original(self, name)}"


def test_a_patch_receives_what_it_replaces_and_can_be_undone(tmp_path: Path) -> None:
    registry = Registry()
    strict(registry, digest(Backend, "delete"))
    strict(registry, digest(Backend, "delete"))

    @registry.patch(Backend, "address", source=digest(Backend, "address"))
    def address(original: Any, self: Any) -> str:
        return f"{original(self)}/24"

    @registry.patch(Backend, "describe", source=ABSENT)
    def describe(_: Any, self: Any) -> str:
        return "described"

    registry.setting(Backend, "limit", 2)
    before = dict(vars(Backend))
    registry.apply(Place(tmp_path, "test"))
    made: Any = Backend()
    assert made.delete("a") == "checked, checked, deleted a"
    assert (made.address, made.describe(), made.limit) == ("10.0.0.1/24", "described", 2)
    registry.undo()
    assert dict(vars(Backend)) == before


def test_an_error_names_the_code_that_changed_under_a_patch(tmp_path: Path) -> None:
    registry = Registry()
    strict(registry, digest(Backend, "delete"))
    strict(registry, "00000000")

    @registry.patch(Backend, "delete", source=ABSENT)
    def delete(_: Any, self: Any) -> None: ...

    @registry.patch(Backend, "renamed", source="00000000")
    def renamed(_: Any, self: Any) -> None: ...

    registry.setting(Backend, "ceiling", 2)
    with pytest.raises(PatchError) as caught:
        registry.apply(Place(tmp_path, "test"))
    text = str(caught.value)
    found = digest(Backend, "delete")
    assert (
        f'Backend.delete (patched in {__name__}) has changed: read it, adapt the patch, then write source="{found}"'
        in text
    )
    assert f"Backend.delete (patched in {__name__}) exists now" in text
    assert f"Backend.renamed (patched in {__name__}) no longer exists" in text
    assert "Backend.ceiling no longer exists" in text
    assert Backend().delete("a") == "deleted a", "nothing is applied when one does not fit"


def test_the_patches_fit_the_installed_moto_and_can_be_undone(tmp_path: Path) -> None:
    original = IAMBackend.delete_user
    patches.apply(Place(tmp_path, "test"))
    try:
        assert IAMBackend.delete_user is not original
    finally:
        patches.undo()
    assert IAMBackend.delete_user is original


@pytest.mark.parametrize("path", sorted(UPSTREAM.glob("*.py")), ids=lambda path: path.stem)
def test_upstream_patches_do_not_depend_on_this_environment(path: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }
    assert not {name for name in imported if "place" in name or "local" in name or "regions" in name}
