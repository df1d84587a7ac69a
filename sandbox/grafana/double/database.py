"""The SQLite database: schema and access. One connection and one lock; the command line opens the same file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT UNIQUE NOT NULL, login TEXT UNIQUE NOT NULL,
    email TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL, salt TEXT NOT NULL,
    is_admin INTEGER NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'Viewer', is_service_account INTEGER NOT NULL DEFAULT 0,
    is_disabled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS api_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, key TEXT UNIQUE NOT NULL,
    service_account_id INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
    created TEXT NOT NULL, expires REAL, last_used TEXT);
CREATE TABLE IF NOT EXISTS user_auth (
    user_id INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE, module TEXT NOT NULL, auth_id TEXT NOT NULL,
    UNIQUE (module, auth_id));
CREATE TABLE IF NOT EXISTS login_attempt (username TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS user_auth_token (
    token TEXT PRIMARY KEY, created REAL NOT NULL,
    user_id INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS data_source (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT UNIQUE NOT NULL, name TEXT UNIQUE NOT NULL,
    version INTEGER NOT NULL, is_default INTEGER NOT NULL, body TEXT NOT NULL, secure TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT UNIQUE NOT NULL, title TEXT NOT NULL,
    description TEXT NOT NULL, version INTEGER NOT NULL,
    parent_uid TEXT REFERENCES folder(uid) ON DELETE CASCADE,
    created TEXT NOT NULL, updated TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dashboard (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT UNIQUE NOT NULL, title TEXT NOT NULL, slug TEXT NOT NULL,
    folder_uid TEXT REFERENCES folder(uid) ON DELETE CASCADE, version INTEGER NOT NULL, data TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dashboard_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dashboard_id INTEGER NOT NULL REFERENCES dashboard(id) ON DELETE CASCADE,
    version INTEGER NOT NULL, message TEXT NOT NULL, data TEXT NOT NULL, created TEXT NOT NULL,
    created_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alerting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, key));
"""

_LATER_COLUMNS = {
    "role": "TEXT NOT NULL DEFAULT 'Viewer'",
    "is_service_account": "INTEGER NOT NULL DEFAULT 0",
    "is_disabled": "INTEGER NOT NULL DEFAULT 0",
}


def timestamp() -> str:
    """The current time as Grafana writes it in JSON (RFC 3339, UTC, seconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Database:
    """Thread-safe access to the database."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.is_new = not file.exists()
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(_SCHEMA)
        present = {row["name"] for row in self.rows("PRAGMA table_info(user)")}
        for column, kind in _LATER_COLUMNS.items():
            if column not in present:  # a data volume from an earlier version
                self.write(f"ALTER TABLE user ADD COLUMN {column} {kind}")
        if self.is_new:
            # It contains password hashes and encrypted credentials, so other users must not read it.
            file.chmod(0o640)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, or roll back on an error. Can be nested; the outermost transaction decides."""
        with self._lock:
            outermost = self._depth == 0
            self._depth += 1
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None

    def write(self, statement: str, *values: Any) -> int:
        """Run one statement; returns the new row's id for an INSERT, else the number of changed rows."""
        with self._lock:
            cursor = self._connection.execute(statement, values)
            if statement.lstrip()[:6].upper() == "INSERT":
                return cursor.lastrowid or 0
            return cursor.rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
