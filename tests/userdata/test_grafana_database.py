"""Which Grafana databases are set aside before Grafana starts: the script with real SQLite files in a temporary folder.
What Grafana does then is in tests/live/faults/test_grafana_database.py."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from userdata.templates import FOLDER

PAGE = 4096
COMMANDS = {
    "runuser": 'shift 3; exec "$@"',
    "install": 'while [ $# -gt 2 ]; do shift; done; exec cp "$1" "$2"',
    "tee": "cat",
}


class Server:
    """The folders with the database and the last backup's copy of it."""

    def __init__(self, folder: Path) -> None:
        folders = {"/var/lib/grafana": folder / "grafana", "/srv/monitoring": folder / "volume"}
        self.database, self.copy = folder / "grafana/grafana.db", folder / "volume/grafana.db.copy"
        self._programs = folder / "bin"
        for each in (*folders.values(), self._programs):
            each.mkdir()
        for name, content in COMMANDS.items():
            program = self._programs / name
            program.write_text(f"#!/bin/sh\n{content}\n")
            program.chmod(0o755)
        self._script = (FOLDER / "server/grafana-database.sh").read_text()
        for path, ours in folders.items():
            assert path in self._script
            self._script = self._script.replace(path, str(ours))
        with closing(sqlite3.connect(self.database)) as made:
            made.execute("CREATE TABLE dashboard (title TEXT)")
            made.executemany("INSERT INTO dashboard VALUES (?)", [["x" * 500]] * 200)
            made.commit()

    def start(self) -> str:
        """What the script prints before Grafana starts."""
        done = subprocess.run(
            ["bash", "-c", self._script],
            env={"PATH": f"{self._programs}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def impatient(self) -> None:
        """Do not wait for a lock."""
        assert "timeout=30" in self._script
        self._script = self._script.replace("timeout=30", "timeout=0")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def zeros(first: int, last: int | None) -> Callable[[bytes], bytes]:
    """Overwrite these pages with zeros. last: counted from the end if it is negative."""

    def change(content: bytes) -> bytes:
        end = len(content) + last * PAGE if last is not None and last < 0 else (last or 0) * PAGE
        return content[: first * PAGE] + bytes(end - first * PAGE) + content[end:]

    return change


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "begins with zeros": zeros(0, 1),
    "half": lambda content: content[: len(content) // 2],
    "zeros in its middle": zeros(4, -2),
    "text": lambda _: b"no database",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("copied", [True, False], ids=["with a copy", "without"])
def test_a_damaged_database_is_set_aside_and_replaced_by_the_copy_if_there_is_one(
    server: Server, damage: str, copied: bool
) -> None:
    whole = server.database.read_bytes()
    broken = DAMAGES[damage](whole)
    server.database.write_bytes(broken)
    if copied:
        server.copy.write_bytes(whole)
    said = server.start()
    assert "Grafana's database is damaged and set aside" in said
    assert ("the last backup's" in said) is copied
    assert server.database.with_name("grafana.db.bad").read_bytes() == broken
    assert server.database.exists() is copied
    assert not copied or server.database.read_bytes() == whole


@pytest.mark.parametrize("content", ["whole", "empty", "none"])
def test_an_undamaged_empty_or_missing_database_is_left_alone(server: Server, content: str) -> None:
    if content == "empty":
        server.database.write_bytes(b"")
    elif content == "none":
        server.database.unlink()
    before = server.database.read_bytes() if server.database.exists() else None
    assert server.start() == ""
    assert (server.database.read_bytes() if server.database.exists() else None) == before


def test_a_locked_database_is_left_alone(server: Server) -> None:
    server.impatient()
    with closing(sqlite3.connect(server.database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert server.start() == ""
    assert server.database.exists()
