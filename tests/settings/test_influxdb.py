"""Which InfluxDB a stack uses, and how long it keeps measurements: `influxdb`, `database`, `retention`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader

from settings import load
from settings.database import INSTANCE_TYPES
from tests.support.configuration import mistakes, raw

DATABASE = {"kind": "timestream"}


def test_another_influxdb_has_a_default_database_and_its_password_is_kept_secret() -> None:
    external = {"url": "https://influx.example.com", "username": "us", "password": "a secret"}
    settings = load(raw(influxdb=external, agentCidrs=[]), ["monitoring:influxdb"])
    assert settings.influxdb is not None
    assert settings.influxdb.password.get_secret_value() == "a secret"
    assert settings.influxdb.database == "telegraf"
    assert "a secret" not in repr(settings)


def test_a_database_that_aws_runs_replaces_the_own_influxdb() -> None:
    settings = load(raw(database={"kind": "timestream", "storage": "100", "multiAz": "true"}))
    assert settings.database is not None
    assert not settings.own_influxdb
    assert (settings.database.instance_type, settings.database.storage) == ("db.influx.medium", 100)
    assert (settings.database.multi_az, settings.database.public) == (True, False)


def test_every_instance_type_of_a_database_exists() -> None:
    """By AWS's own list, as its SDK has it."""
    shapes = Loader().load_service_model("timestream-influxdb", "service-2")["shapes"]
    assert set(INSTANCE_TYPES) <= set(shapes["DbInstanceType"]["enum"])
    for name in INSTANCE_TYPES:
        database = load(raw(database=DATABASE | {"instanceType": name})).database
        assert database is not None
        assert database.instance_type == name


def test_database_and_influxdb_exclude_each_other() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    configuration = raw(influxdb=external, agentCidrs=[], database=DATABASE)
    (reported,) = mistakes(configuration, ("monitoring:influxdb",))
    assert reported.startswith("monitoring:database")
    assert "both replace the server's own InfluxDB; leave one out" in reported


def test_settings_of_the_own_influxdb_are_refused_with_another() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    reported = mistakes(raw(influxdb=external, retention="7d", rollupRetention="90d"), ("monitoring:influxdb",))
    assert [line.split()[0] for line in reported] == [
        *("monitoring:agentCidrs", "monitoring:retention", "monitoring:rollupRetention")
    ]


@pytest.mark.parametrize(
    ("changes", "runs", "shows"),
    [
        ({}, True, True),
        ({"influxdb": {"own": "shown"}}, True, True),
        ({"influxdb": {"own": "kept"}}, True, False),
        ({"influxdb": {}, "agentCidrs": []}, False, False),
        ({"database": DATABASE | {"own": "shown"}, "rollupRetention": "90d"}, True, True),
        ({"database": DATABASE | {"own": "kept"}}, True, False),
        ({"database": DATABASE}, False, False),
    ],
)
def test_which_influxdb_runs_and_is_shown_while_a_stack_moves(changes: dict[str, Any], runs: bool, shows: bool) -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    given = {**changes, "influxdb": external | changes["influxdb"]} if "influxdb" in changes else changes
    settings = load(raw(**given), ("monitoring:influxdb",))
    assert (settings.own_influxdb, settings.shows_own, settings.moves) == (runs, shows, runs and bool(changes))


def test_a_stack_can_move_with_hosts_by_tag() -> None:
    external, tag = {"url": "https://a.b", "username": "u", "password": "p", "own": "shown"}, {"Monitoring": "on"}
    assert load(raw(influxdb=external, hostsByTag=tag), ("monitoring:influxdb",)).moves
    assert load(raw(database=DATABASE | {"own": "kept"}, hostsByTag=tag)).moves


def test_while_a_stack_moves_agents_must_reach_the_server() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p", "own": "shown"}
    (reported,) = mistakes(raw(influxdb=external, agentCidrs=[]), ("monitoring:influxdb",))
    assert reported.startswith("monitoring:agentCidrs")
    assert load(raw(influxdb=external, retention="7d"), ("monitoring:influxdb",)).retention == "7d"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, "8640h"),
        ({"retention": "7d"}, "2016h"),
        ({"retention": "1h"}, "12h"),
        ({"retention": "INF"}, "INF"),
        ({"retention": "400w"}, "806400h"),
        ({"retention": "500w"}, "INF"),
        ({"rollupRetention": "90d"}, "90d"),
        ({"rollupRetention": "INF"}, "INF"),
        ({"retention": "90d", "rollupRetention": "90d"}, "90d"),
    ],
)
def test_five_minute_steps_are_kept_twelve_times_as_long_by_default(changes: dict[str, str], kept: str) -> None:
    assert load(raw(**changes)).kept_rolled_up == kept


@pytest.mark.parametrize("retention", ["91d", "INF"])
def test_five_minute_steps_cannot_be_kept_for_less_time_than_raw_data(retention: str) -> None:
    (reported,) = mistakes(raw(retention=retention, rollupRetention="90d"))
    assert reported.startswith("monitoring:rollupRetention")
    assert f"is shorter than retention ({retention})" in reported
    (reported,) = mistakes(raw(retention="a while", rollupRetention="1h"))
    assert reported.startswith("monitoring:retention")
