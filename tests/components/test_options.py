"""What a later `up` or `destroy` may do to what exists: the resources' options, which no input shows."""

from __future__ import annotations

import pytest

from tests.components.conftest import Options, Run, run_program

GRAFANA = ("DataSource", "Folder", "Dashboard", "RuleGroup", "ContactPoint", "NotificationPolicy", "MuteTiming")


def options(run: Run, kind: str) -> dict[str, Options]:
    """Those of all resources of a type, by name."""
    return {name: each for (token, name), each in run.options.items() if token.endswith(f":{kind}")}


def the(run: Run, kind: str) -> Options:
    """Those of the only resource of a type."""
    (found,) = options(run, kind).values()
    return found


def names(options: Options) -> set[str]:
    """What it waits for."""
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


def test_what_cannot_be_made_again_is_protected_and_nothing_else(prod: Run, dev: Run) -> None:
    assert protected(prod) == {"Volume", "Eip", "Bucket", "Protected"}
    assert protected(dev) == set()


def test_destroy_meets_the_protection_before_anything_is_gone(everything: Run) -> None:
    """What nothing waits for is deleted at once, alongside the one resource whose protection guards all."""
    ((start, last),) = [item for item in everything.options.items() if item[0][0].endswith(":Protected")]
    reached, further = {start}, set(last.after)
    while further:
        reached |= further
        further = {each for one in further for each in everything.options[one].after} - reached
    made = {key for key in everything.options if not key[0].startswith(("monitoring:", "pulumi:"))}
    assert made - reached == set()


def test_a_lookup_with_another_answer_replaces_neither_server_nor_data(prod: Run) -> None:
    """A new image of Debian, a new default subnet: the next `up` changes nothing."""
    assert the(prod, "Instance").ignore_changes == {"ami", "subnetId"}
    assert the(prod, "Volume").ignore_changes >= {"availabilityZone"}


def test_what_a_setting_says_is_a_change() -> None:
    run = run_program(
        {"amiId": "ami-00000001", "vpcId": "vpc-00000001", "subnetId": "subnet-00000001"},
        {"getSubnet": {"vpcId": "vpc-00000001", "availabilityZone": "eu-central-1a"}},
    )
    assert the(run, "Instance").ignore_changes == frozenset()
    # Without a backup to fill the new one from, a volume is not replaced for the sake of its key.
    assert the(run, "Volume").ignore_changes == {"kmsKeyId"}


def test_what_there_can_be_only_once_is_deleted_before_it_is_made_again(prod: Run) -> None:
    """Two servers on one data volume, two parameters of one name, two dashboards of one uid."""
    for kind in ("Instance", "VolumeAttachment", "Parameter", "DataSource", "Folder", "Dashboard", "RuleGroup"):
        found = options(prod, kind)
        assert found and all(each.delete_first for each in found.values()), kind


@pytest.mark.parametrize("kind", GRAFANA)
def test_grafana_s_content_waits_for_the_gate_and_goes_with_the_data(everything: Run, kind: str) -> None:
    """Grafana keeps it on the data volume: a `destroy` need not reach a Grafana that is gone."""
    for name, each in options(everything, kind).items():
        assert "ready" in names(each), name
        assert (each.deleted_with, each.provider) == ("data", "monitoring"), name
        assert kind != "RuleGroup" or {"influxdb", "cloudwatch"} <= names(each), name


def test_the_server_boots_when_it_has_everything_and_is_asked_when_it_can_be_reached(prod: Run) -> None:
    assert "parameters-revision" in names(the(prod, "Instance"))
    revision = options(prod, "Parameter")["parameters-revision"]
    files = {each.name for each in prod.all("Parameter")} - {"parameters-revision", "influxdb-users-in-use"}
    assert files <= names(revision)
    ready = names(options(prod, "Command")["ready"])
    rules = {each.name for kind in ("Ingress", "Egress") for each in prod.all(f"SecurityGroup{kind}Rule")}
    assert ready >= rules | {"server-data", "server"}
    assert {"influxdb", "cloudwatch"} <= names(options(prod, "Command")["answers"])


def test_a_key_of_cloudwatch_has_its_rights_from_its_first_moment(prod: Run) -> None:
    waited_for = {kind for kind, _ in the(prod, "AccessKey").after}
    assert {kind.rpartition(":")[2] for kind in waited_for} >= {"GroupPolicyAttachment", "UserGroupMembership"}


def test_every_resource_of_aws_has_the_provider_that_was_checked(prod: Run) -> None:
    """Not the provider that Pulumi creates from the environment: another account, without the stack's tags."""
    of_aws = {name: each.provider for (token, name), each in prod.options.items() if token.startswith("aws:")}
    assert len(of_aws) > 30
    assert set(of_aws.values()) == {"aws"}
