"""The resources' options: what a later `up` or `destroy` may do to them, and in which order."""

from __future__ import annotations

import pytest

from tests.components.conftest import Options, Run, run_program

GRAFANA = ("DataSource", "Folder", "Dashboard", "RuleGroup", "ContactPoint", "NotificationPolicy", "MuteTiming")


def options(run: Run, kind: str) -> dict[str, Options]:
    """The options of all resources of a type, by name."""
    return {name: each for (token, name), each in run.options.items() if token.endswith(f":{kind}")}


def the(run: Run, kind: str) -> Options:
    """The options of the only resource of a type."""
    (found,) = options(run, kind).values()
    return found


def names(options: Options) -> set[str]:
    """The names of the resources it waits for."""
    return {name for _, name in options.after}


def protected(run: Run) -> set[str]:
    return {token.rpartition(":")[2] for (token, _), each in run.options.items() if each.protect}


@pytest.fixture(scope="module")
def everything() -> Run:
    settings = {
        "contactPoints": {"slack": "https://hooks.slack.com/services/x"},
        "muteTimings": [{"name": "night", "times": ["00:00-06:00"]}],
    }
    return run_program(settings, secret=("contactPoints",))


def test_only_what_cannot_be_replaced_is_protected(prod: Run, dev: Run) -> None:
    assert protected(prod) == {"Volume", "Eip", "Bucket", "Protected"}
    assert protected(dev) == set()


def test_destroy_meets_the_protection_before_it_deletes_anything(everything: Run) -> None:
    """The one protected resource waits for all others: what it did not wait for would be deleted at the same time."""
    ((start, last),) = [item for item in everything.options.items() if item[0][0].endswith(":Protected")]
    reached, further = {start}, set(last.after)
    while further:
        reached |= further
        further = {each for one in further for each in everything.options[one].after} - reached
    made = {key for key in everything.options if not key[0].startswith(("monitoring:", "pulumi:"))}
    assert made - reached == set()


def test_another_result_of_a_lookup_replaces_neither_server_nor_data(prod: Run) -> None:
    """A new Debian image or another default subnet changes nothing at the next `up`."""
    assert the(prod, "Instance").ignore_changes == {"ami", "subnetId"}
    assert the(prod, "Volume").ignore_changes >= {"availabilityZone"}


def test_a_setting_instead_of_a_lookup_is_applied() -> None:
    run = run_program(
        {"amiId": "ami-00000001", "vpcId": "vpc-00000001", "subnetId": "subnet-00000001"},
        {"getSubnet": {"vpcId": "vpc-00000001", "availabilityZone": "eu-central-1a"}},
    )
    assert the(run, "Instance").ignore_changes == frozenset()
    # Another key would replace the volume, which without a backup to restore would lose its data.
    assert the(run, "Volume").ignore_changes == {"kmsKeyId"}


def test_what_can_exist_only_once_is_deleted_before_it_is_replaced(prod: Run) -> None:
    """No data volume can have two servers, no name two parameters, no uid two dashboards."""
    for kind in ("Instance", "VolumeAttachment", "Parameter", "DataSource", "Folder", "Dashboard", "RuleGroup"):
        found = options(prod, kind)
        assert found and all(each.delete_first for each in found.values()), kind


@pytest.mark.parametrize("kind", GRAFANA)
def test_grafana_s_content_waits_for_the_gate_and_is_deleted_with_the_data_volume(everything: Run, kind: str) -> None:
    """Grafana keeps it on the data volume, so a `destroy` need not reach a Grafana that no longer runs."""
    found = options(everything, kind)
    assert found
    for name, each in found.items():
        assert "ready" in names(each), name
        assert (each.deleted_with, each.provider) == ("data", "monitoring"), name
        assert kind != "RuleGroup" or {"influxdb", "cloudwatch"} <= names(each), name


def test_the_server_waits_for_its_parameters_and_the_gate_for_the_server_and_its_firewall(prod: Run) -> None:
    assert "parameters-revision" in names(the(prod, "Instance"))
    revision = options(prod, "Parameter")["parameters-revision"]
    files = {each.name for each in prod.all("Parameter")} - {"parameters-revision", "influxdb-users-in-use"}
    assert files <= names(revision)
    ready = names(options(prod, "Command")["ready"])
    rules = {each.name for kind in ("Ingress", "Egress") for each in prod.all(f"SecurityGroup{kind}Rule")}
    assert ready >= rules | {"server-data", "server"}
    assert {"influxdb", "cloudwatch"} <= names(options(prod, "Command")["answers"])


def test_the_access_key_has_its_permissions_from_the_start(prod: Run) -> None:
    waited_for = {kind for kind, _ in the(prod, "AccessKey").after}
    assert {kind.rpartition(":")[2] for kind in waited_for} >= {"GroupPolicyAttachment", "UserGroupMembership"}


def test_every_aws_resource_uses_the_checked_provider(prod: Run) -> None:
    """Pulumi's default provider, made from the environment, could be another account and lacks the stack's tags."""
    of_aws = {name: each.provider for (token, name), each in prod.options.items() if token.startswith("aws:")}
    assert len(of_aws) > 30
    assert set(of_aws.values()) == {"aws"}
