"""The settings `backups` and `restoreFrom`."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from settings.backups import Origin, origin
from tests.support.configuration import mistakes, raw


def test_backups_are_on_and_nothing_is_restored_by_default() -> None:
    settings = load(raw())
    assert (settings.backups.enabled, settings.backups.schedule, settings.backups.keep) == (True, "04:00", 7)
    assert settings.restore_from is None
    assert load(raw(restoreFrom="")).restore_from is None


def test_keys_left_out_keep_their_defaults() -> None:
    backups = load(raw(backups={"keep": 30})).backups
    assert (backups.enabled, backups.schedule, backups.keep, backups.now) == (True, "04:00", 30, 0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("latest", Origin("", "", "latest")),
        ("2026-11-24T04-00-00Z", Origin("", "", "2026-11-24T04-00-00Z")),
        ("s3://a-bucket/prod/latest", Origin("a-bucket", "prod", "latest")),
    ],
)
def test_restore_from_names_a_backup(written: str, meant: Origin) -> None:
    assert origin(load(raw(restoreFrom=written)).restore_from or "") == meant


@pytest.mark.parametrize(
    ("changes", "key", "wrong"),
    [
        ({"backups": {"schedule": "4am"}}, "backups.schedule", "is not a time of day"),
        ({"backups": {"schedule": "24:00"}}, "backups.schedule", "is not a time of day"),
        ({"backups": {"schedule": 400}}, "backups.schedule", "is not a string"),
        ({"backups": {"keep": 0}}, "backups.keep", "is out of range"),
        ({"backups": {"keep": 366}}, "backups.keep", "is out of range"),
        ({"backups": {"now": "yes"}}, "backups.now", "is not an integer"),
        ({"backups": {"retention": 3}}, "backups.retention", "is not a setting"),
        ({"backups": "daily"}, "backups", "is not an object"),
        ({"restoreFrom": "yesterday"}, "restoreFrom", "does not name a backup"),
        ({"restoreFrom": "2026-11-24T04:00:00Z"}, "restoreFrom", "does not name a backup"),
        ({"restoreFrom": "s3://bucket/latest"}, "restoreFrom", "does not name a backup"),
        ({"restoreFrom": "s3://a/b/latest; rm -rf /"}, "restoreFrom", "does not name a backup"),
        ({"restoreFrom": "latest", "backups": {"enabled": False}}, "restoreFrom", "whose backups are off"),
        ({"alertThresholds": {"backupAge": "1h"}}, "alertThresholds.backupAge", "is out of range"),
    ],
)
def test_a_mistake_is_reported(changes: dict[str, Any], key: str, wrong: str) -> None:
    (mistake,) = mistakes(raw(**changes))
    assert mistake.startswith((f"monitoring:{key}:", f"monitoring:{key} = "))
    assert wrong in mistake
