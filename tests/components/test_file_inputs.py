"""Each of the server's files waits for the values that it contains, and for no others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from components.parameters import STANDARD_LIMIT
from program.user_data import used
from settings.values import LONGEST_PASSWORD
from userdata.server_files import ServerValues, backup_settings, server_files
from userdata.telegraf import InfluxTarget

EMPTY = {"address": "", "data_gib": 20, "bucket": "", "restore_from": "", "login": "", "role": ""}
FILLED = {"address": "a", "data_gib": 21, "bucket": "b", "restore_from": "b/s/c", "login": "l", "role": "r"}


def render(found: Mapping[str, Any]) -> dict[str, str]:
    return server_files(
        ServerValues(
            host=found["address"],
            machine="monitoring-dev",
            data_gib=found["data_gib"],
            boot_timeout=900,
            retention="30d",
            interval="10s",
            top_processes=0,
            region="eu-central-1",
            cloudwatch_role=found["role"],
            rollup_retention="360d",
            own_influxdb=True,
            managed_influxdb=False,
            influxdb_secret="",
            automation=found["login"],
            reader="grafana",
            smtp=None,
            oauth=None,
            backups=backup_settings("eu-central-1", found["bucket"], "dev", 0, found["restore_from"]),
            backup_schedule="04:00",
            target=InfluxTarget("https://localhost:8086", "telegraf", "telegraf", private_ca=True),
        )
    )


def test_a_file_depends_on_no_value_but_those_it_waits_for() -> None:
    """With every combination of the values, not only with the two that `used` compares."""
    uses = used(render, EMPTY, FILLED)
    for choice in itertools.product((False, True), repeat=len(EMPTY)):
        values = {key: (FILLED if filled else EMPTY)[key] for key, filled in zip(EMPTY, choice, strict=True)}
        whole = render(values)
        for name, keys in uses.items():
            assert render({**EMPTY, **{key: values[key] for key in keys}})[name] == whole[name], (name, values)


def test_most_files_wait_for_no_value() -> None:
    uses = {name: keys for name, keys in used(render, EMPTY, FILLED).items() if keys}
    assert uses["server.conf"] == ["bucket", "data_gib", "login", "restore_from", "role"]
    assert set(uses) == {"server.conf", "grafana.ini", "telegraf.conf"}


def test_passwords_fit_the_standard_tier() -> None:
    assert LONGEST_PASSWORD < STANDARD_LIMIT
