"""The list of backups, derived from S3's objects."""

from __future__ import annotations

from typing import Any

import pytest

from tools import list_backups
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


def test_other_objects_in_the_bucket_are_not_backups() -> None:
    assert collect([{"Key": "prod/", "Size": 0}, {"Key": "prod/README", "Size": 9}]) == []


def test_an_empty_bucket_is_an_empty_list() -> None:
    assert collect([]) == []


class Bucket:
    """A double of the S3 client, with these objects in the second of two pages."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.pages = [{}, {"Contents": objects}]

    def client(self, service: str) -> Bucket:
        assert service == "s3"
        return self

    def get_paginator(self, operation: str) -> Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        assert asked == {"Bucket": "backups", "Prefix": "prod/"}
        return self.pages


@pytest.mark.parametrize(
    ("objects", "status", "printed"),
    [
        (OBJECTS, 0, "2026-11-24T04-00-00Z"),
        (OBJECTS[2:], 1, "INCOMPLETE"),
        ([], 1, "s3://backups/prod/\nThere are no backups yet.\n"),
    ],
)
def test_the_exit_status_says_whether_there_is_a_complete_backup(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    objects: list[dict[str, Any]],
    status: int,
    printed: str,
) -> None:
    answers = {"--show-name": "prod", "output": '{"backupBucket": "backups"}', "config": "{}"}

    def pulumi(*arguments: str) -> str:
        assert arguments[-2:] == ("--stack", "prod")
        return next(answer for word, answer in answers.items() if word in arguments)

    monkeypatch.setattr(list_backups, "pulumi", pulumi)
    monkeypatch.setattr(list_backups, "aws_settings", lambda _: {"region": "eu-central-1"})
    monkeypatch.setattr(list_backups, "identity", lambda *_: Bucket(*objects))
    assert list_backups.main(["--stack", "prod"]) == status
    assert printed in capsys.readouterr().out
