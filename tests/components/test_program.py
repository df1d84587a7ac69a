"""What holds for the program as a whole."""

from __future__ import annotations

from tests.components.conftest import SECRETS, Run, run_once
from tests.components.examples import ELSEWHERE


def test_no_two_resources_have_the_same_type_and_name(prod: Run) -> None:
    """The mocks accept both; the engine refuses the second."""
    made = [(resource.type, resource.name) for resource in prod.resources]
    assert {kind.rpartition(":")[2] for kind, _ in made} >= {
        *("Network", "CloudwatchUser", "Instance", "Volume", "Parameter", "Command"),
        *("DataSource", "Dashboard", "RuleGroup"),
    }
    assert sorted(set(made)) == sorted(made)


def test_with_another_influxdb_the_server_runs_none() -> None:
    run = run_once({"influxdb": ELSEWHERE, "agentCidrs": [], "retention": "30d"}, secret=("influxdb",))
    assert {r.inputs["fromPort"] for r in run.all("SecurityGroupIngressRule")} == {3000}
    assert 9086 in {r.inputs["fromPort"] for r in run.all("SecurityGroupEgressRule")}
    user_data = run.one("Instance")["userData"]
    assert "INFLUXDB_VERSION=''" in user_data
    assert not SECRETS.search(user_data)
    assert not {"influxdb.conf", "influxdb-users-in-use"} & {r.name for r in run.all("Parameter")}
    # Nothing measures the server's certificate then.
    assert "Certificate" not in {r.inputs["name"] for r in run.all("RuleGroup")}
    assert run.outputs["influxdbUrl"] == ELSEWHERE["url"]
    assert {r.name for r in run.all("RandomPassword")} == {
        *("grafana-admin", "grafana-automation", "grafana-secret-key", "revision-key"),
    }
