"""The mounts below a folder, in the kernel's list."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.machines.system import mounts_below


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/srv/plain", "/srv/plain"),
        ("/srv/Überwachung und mehr", r"/srv/Überwachung\040und\040mehr"),
        ("/srv/a\\b", r"/srv/a\134b"),
        ("/srv/日本", "/srv/日本"),
    ],
)
def test_mounts_below_any_path_are_found(tmp_path: Path, folder: str, written: str) -> None:
    table = tmp_path / "mounts"
    inside = ("", "/machines/a/root", "/machines/a/root/dev", "-other/root")
    table.write_text("".join(f"overlay {written}{name} overlay rw 0 0\n" for name in inside))
    assert mounts_below(Path(folder), table) == [f"{folder}/machines/a/root/dev", f"{folder}/machines/a/root"]
