"""The list of backups, made of S3's objects."""

from __future__ import annotations

from tools.list_backups import collect

OBJECTS = [
    {"Key": "prod/2026-11-23T04-00-00Z/complete", "Size": 100},
    {"Key": "prod/2026-11-23T04-00-00Z/grafana.db", "Size": 2**20 - 100},
    {"Key": "prod/2026-11-24T04-00-00Z/grafana.db", "Size": 2**20},
]


def test_the_newest_comes_first_and_an_interrupted_one_is_marked() -> None:
    newest, older = collect(OBJECTS)
    assert (newest.id, newest.complete, newest.objects) == ("2026-11-24T04-00-00Z", False, 1)
    assert (older.complete, older.objects, older.size) == (True, 2, 2**20)
    assert "INCOMPLETE" in str(newest)
    assert "1.0 MiB" in str(older)


def test_nothing_is_an_empty_list() -> None:
    assert collect([]) == []
