"""EC2 hosts chosen by a tag: State Manager installs their agents, on later instances as well, and removes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.environment import Environment
from tests.live.fleet import TAG, Fleet, fleet_of
from tests.live.leaks import leaks, parameters
from tests.live.services import influxql
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.changes]

GROUP = {"aws:autoscaling:groupName": "web"}


@pytest.fixture(scope="module")
def fleet(environment: Environment) -> Iterator[Fleet]:
    """Two instances with the tag and one without, before the stack has the setting."""
    with fleet_of(environment) as made:
        for name, tags in (("shop 1", TAG), ("worker", TAG | GROUP), ("other", {})):
            made.launch(name, tags)
        yield made


def series(environment: Environment) -> list[dict[str, str]]:
    """The tags of what hosts measured in the last five minutes."""
    query = 'SELECT last("uptime") FROM "system" WHERE $timeFilter GROUP BY "host", "instance_id", "ephemeral"'
    return [frame["schema"]["fields"][1]["labels"] for frame in influxql(environment, query, minutes=5)]


def test_current_and_later_hosts_with_the_tag_get_agents(environment: Environment, fleet: Fleet) -> None:
    environment.configure(hostsByTag=TAG)
    environment.settle()
    # Until its role may read the password, an instance reports that, and nothing is installed.
    assert eventually(lambda: fleet.status("shop 1")[0] == "Failed"), fleet.status("shop 1")
    assert "is not authorized to perform: ssm:GetParameter" in fleet.status("shop 1")[1]
    assert fleet.telegraf("shop 1") != "active"
    fleet.allow("monitoring", environment.outputs["hostsByTagPolicy"])
    association = environment.outputs["hostsByTagAssociation"]
    ssm = environment.aws("ssm")
    ssm.start_associations_once(AssociationIds=[association])
    later = fleet.launch("shop-2", TAG)
    expected = [
        {"host": "shop-1", "instance_id": fleet.ids["shop 1"], "ephemeral": ""},
        {"host": f"worker-{fleet.ids['worker'][2:]}", "instance_id": fleet.ids["worker"], "ephemeral": "true"},
        {"host": "shop-2", "instance_id": later, "ephemeral": ""},
    ]
    assert eventually(lambda: all(each in series(environment) for each in expected)), series(environment)

    def counted() -> dict[str, int]:
        overview = ssm.describe_association(AssociationId=association)["AssociationDescription"]["Overview"]
        return dict(overview["AssociationStatusAggregatedCount"])

    # The installer watches Telegraf for a while before it ends.
    assert eventually(lambda: counted() == {"Success": 3}), counted()
    assert fleet.status("other") == ("", "")
    assert fleet.telegraf("other") != "active"


def test_the_document_contains_no_secret(environment: Environment, fleet: Fleet) -> None:
    association = environment.outputs["hostsByTagAssociation"]
    ssm = environment.aws("ssm")
    name = ssm.describe_association(AssociationId=association)["AssociationDescription"]["Name"]
    content = ssm.get_document(Name=name)["Content"]
    assert "INFLUX_PASSWORD" in content
    assert leaks(parameters(environment), content) == []


def test_a_second_run_restarts_nothing(environment: Environment, fleet: Fleet) -> None:
    def state() -> str:
        shown = ("systemctl", "show", "-p", "ExecMainPID", "telegraf")
        return environment.machine(fleet.ids["shop 1"], *shown).stdout

    before = state()
    dates = environment.aws("ssm").describe_instance_associations_status

    def ran() -> Any:
        return dates(InstanceId=fleet.ids["shop 1"])["InstanceAssociationStatusInfos"][0]["ExecutionDate"]

    last = ran()
    environment.aws("ssm").start_associations_once(AssociationIds=[environment.outputs["hostsByTagAssociation"]])
    assert eventually(lambda: bool(ran() != last))
    assert fleet.status("shop 1")[0] == "Success"
    assert state() == before


def test_agents_are_removed_by_a_setting(environment: Environment, fleet: Fleet) -> None:
    environment.configure(hostsByTagRemove=True)
    environment.settle()
    names = ("shop 1", "worker", "shop-2")
    assert eventually(lambda: all(fleet.status(name)[1].endswith("Telegraf is removed") for name in names)), [
        fleet.status(name) for name in names
    ]
    assert [fleet.telegraf(name) for name in names] == ["inactive"] * 3
    environment.configure(hostsByTag={}, hostsByTagRemove=False)
