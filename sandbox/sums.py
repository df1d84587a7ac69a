"""Detects damage in the cache: each folder has a list of its files and their checksums.

A file is read again only if its size or times have changed: writing to a file always changes its `ctime`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LIST = ".sums.json"


class Entry(NamedTuple):
    """A file as it was recorded. mtime, ctime: in nanoseconds. sha256: of its content."""

    size: int
    mtime: int
    ctime: int
    sha256: str


def record(folder: Path, files: Iterable[str] | None = None) -> None:
    """Record the folder's regular files as they are now: `files` (paths relative to the folder), or all."""
    known = _read(folder)
    for name in files if files is not None else _all(folder):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            known[name] = _entry(path)
    _write(folder, known)


def damaged(folder: Path) -> list[str]:
    """The recorded files that are missing or have other content, as paths relative to the folder. A folder without a
    readable list (as left by an earlier version) is recorded as it is."""
    known = _read(folder)
    if not known:
        record(folder)
        return []
    found, touched = [], False
    for name, (size, mtime, ctime, digest) in known.items():
        path = folder / name
        try:
            stat = path.lstat()
        except OSError:
            found.append(name)
            continue
        if (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) == (size, mtime, ctime):
            continue
        if stat.st_size == size and _digest(path) == digest:  # only copied or touched
            known[name] = _entry(path)
            touched = True
        else:
            found.append(name)
    if touched:
        _write(folder, known)
    return found


def forget(folder: Path, names: Iterable[str]) -> None:
    """Remove files from the list."""
    gone = set(names)
    _write(folder, {name: entry for name, entry in _read(folder).items() if name not in gone})


def _all(folder: Path) -> list[str]:
    return [
        str((Path(where) / name).relative_to(folder))
        for where, _, names in os.walk(folder)
        for name in names
        if name != LIST
    ]


def _entry(path: Path) -> Entry:
    stat = path.lstat()
    return Entry(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, _digest(path))


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _read(folder: Path) -> dict[str, Entry]:
    try:
        return {name: Entry(*entry) for name, entry in json.loads((folder / LIST).read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(folder: Path, entries: dict[str, Entry]) -> None:
    new = folder / f"{LIST}.new"
    new.write_text(json.dumps(entries))
    new.replace(folder / LIST)
