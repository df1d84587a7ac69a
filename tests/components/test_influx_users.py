"""Which InfluxDB users the server may drop if an agent cannot be moved to the new ones."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from program.influx import Databases, Influx
from program.influx_users import users_in_use
from settings import load
from tests.components.conftest import Cloud, Monitor, Run
from tests.support.configuration import REQUIRED

EVERY_USER = "all"
"""With this value userdata/server/influxdb.sh drops no user."""


def unreachable(_: str) -> str:
    raise RuntimeError("a host that cannot be reached")


@pytest.mark.parametrize("moves", [True, False])
def test_an_agent_that_cannot_be_moved_keeps_every_user(moves: bool) -> None:
    cloud = Cloud(run := Run(), {})
    mocks.set_mocks(cloud, project="monitoring", stack="dev", preview=False, monitor=Monitor(cloud))

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        text = pulumi.Output.from_input("")
        influx = Influx(text, text, None, "telegraf", "telegraf-2", text, "grafana-2", text)
        databases = Databases(influx, None, influx)
        moved = [text, text if moves else text.apply(unreachable)]
        made: Any = users_in_use(
            load(REQUIRED), databases, moved, pulumi.Output.from_input("/f"), pulumi.ResourceOptions()
        )
        return pulumi.Output.from_input(made.insecure_value)

    # The agent makes the `up` fail, but the parameter is still written.
    with nullcontext() if moves else pytest.raises(RuntimeError, match="cannot be reached"):
        program()
    found = run.one("Parameter", "influxdb-users-in-use")["insecureValue"]
    assert found == ("telegraf-2 grafana-2" if moves else EVERY_USER)
