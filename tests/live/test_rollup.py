"""Down-sampling on the server includes what agents deliver late, and Grafana's hidden variables choose it."""

from __future__ import annotations

import json
import time

import pytest

from dashboards.queries import ROLLUP
from tests.live.environment import Environment
from tests.live.services import Ask, influxql, query
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

LATE = "late-1"
STEP = 300


def points(influxdb: Ask, policy: str, what: str) -> int:
    """A number about the late host, by a function such as `count("uptime")`; 0 if there is nothing."""
    answer = query(influxdb, "grafana", f'SELECT {what} FROM "{policy}"."system" WHERE "host" = \'{LATE}\'')  # noqa: S608
    series = json.loads(answer)["results"][0].get("series")
    return int(series[0]["values"][0][1]) if series else 0


def test_late_points_are_down_sampled_and_counted(environment: Environment, influxdb: Ask) -> None:
    """Half an hour of a host's points, as its agent would deliver them after an outage, and then some that were
    missing."""
    begin = (int(time.time()) - 3000) // STEP * STEP
    moments = range(begin, begin + 6 * STEP, 10)
    first, then = ([at for at in moments if (at % STEP == 0) is rest] for rest in (False, True))
    try:
        for delivered in (first, then):
            lines = "\n".join(f"system,host={LATE} uptime={at}i,load5=1.5 {at}" for at in delivered)
            assert influxdb("POST", "/write?db=telegraf&precision=s", "telegraf", data=lines).status_code == 204
            # Not `start`, which waits for a run of the timer that has begun before the points arrived.
            assert environment.guest("systemctl", "restart", "influxdb-rollup").returncode == 0
            whole = points(influxdb, "autogen", 'count("uptime")')
            assert points(influxdb, "rollup", 'sum("points")') == whole
        assert whole == len(moments)
        assert points(influxdb, "rollup", 'count("load5_max")') == 6
    finally:
        assert query(influxdb, "admin", f"DROP SERIES WHERE \"host\" = '{LATE}'").startswith("{")
    assert points(influxdb, "rollup", 'count("load5")') == 0, "a deleted host is still down-sampled"


def test_variables_choose_the_rollup_only_for_more_than_18_hours(environment: Environment) -> None:
    def chosen(minutes: int, name: str) -> list[str]:
        """What the variable's query returns through Grafana: the column of text, which its frontend reads."""
        end = int(time.time() * 1000)
        text = ROLLUP.format(field=name)
        text = text.replace("${__from}", str(end - minutes * 60000)).replace("${__to}", str(end))
        return [
            value
            for frame in influxql(environment, text)
            for field, values in zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)
            if field["type"] == "string"
            for value in values
        ]

    assert eventually(lambda: chosen(1081, "policy") == ['"rollup".']), "the timer has not run"
    assert chosen(1081, "peak") == ["_max"]
    assert chosen(1079, "policy") == chosen(1079, "peak") == []
