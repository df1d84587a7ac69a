"""The instance and its volumes."""

from __future__ import annotations

import pulumi
import pytest

from tests.components.conftest import Run, run_once, run_program


def test_the_metadata_service_requires_tokens(prod: Run) -> None:
    options = prod.one("Instance")["metadataOptions"]
    assert options == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_the_instance_and_its_volumes_are_as_the_settings_say() -> None:
    run = run_once({"instanceType": "t4g.large", "rootVolumeSize": 12, "dataVolumeSize": 33})
    server, volume = run.one("Instance"), run.one("Volume")
    assert (server["instanceType"], server["ami"]) == ("t4g.large", "ami-00000001")
    assert (server["monitoring"], server["ebsOptimized"]) == (True, True)
    assert server["rootBlockDevice"] == {
        **{"volumeType": "gp3", "volumeSize": 12, "encrypted": True, "deleteOnTermination": True},
    }
    assert (volume["type"], volume["size"], volume["encrypted"]) == ("gp3", 33, True)


def test_the_server_has_its_subnet_firewall_role_volume_and_address(prod: Run) -> None:
    server = prod.one("Instance")
    assert (server["subnetId"], prod.one("Volume")["availabilityZone"]) == ("subnet-1", "eu-central-1a")
    assert server["vpcSecurityGroupIds"] == ["SecurityGroup-network"]
    assert (server["iamInstanceProfile"], prod.one("InstanceProfile")["role"]) == ("server", "server")
    attachment, association = prod.one("VolumeAttachment"), prod.one("EipAssociation")
    assert attachment["instanceId"] == association["instanceId"] == "Instance-server-arm64"
    assert (attachment["volumeId"], association["allocationId"]) == ("Volume-data", "Eip-network")


def test_the_instance_is_stopped_before_its_volume_is_detached(prod: Run) -> None:
    assert prod.one("VolumeAttachment")["stopInstanceBeforeDetaching"] is True


def test_changed_user_data_replaces_the_server(prod: Run) -> None:
    assert prod.one("Instance")["userDataReplaceOnChange"] is True


def test_the_image_is_debian_s_own_for_the_instance_type_s_architecture(prod: Run) -> None:
    (lookup,) = [arguments for kind, arguments in prod.calls if kind == "getAmi"]
    assert lookup["owners"] == ["136693071363"]
    assert lookup["mostRecent"] is True
    assert lookup["filters"][0] == {"name": "name", "values": ["debian-13-arm64-*"]}


def test_another_architecture_replaces_the_instance() -> None:
    run = run_program(answers={"getInstanceType": {"supportedArchitectures": ["i386", "x86_64"]}})
    assert [r.name for r in run.all("Instance")] == ["server-amd64"]


def test_an_image_of_the_wrong_architecture_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="amiId = ami-00000002: is for x86_64, but"):
        run_program({"amiId": "ami-00000002"}, {"getAmi": {"id": "ami-00000002", "architecture": "x86_64"}})


def test_an_instance_type_without_a_debian_image_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="Debian has no image"):
        run_program(answers={"getInstanceType": {"supportedArchitectures": ["x86_64_mac"]}})


def test_settings_of_services_do_not_replace_the_server(prod: Run) -> None:
    changed = {"retention": "8d", "collectionInterval": "30s", "passwordGeneration": 2}
    assert run_program(changed).one("Instance")["userData"] == prod.one("Instance")["userData"]


def test_user_data_that_is_too_large_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"bytes, \d+ more than the 12288 allowed; shorten"):
        run_program({"grafanaRepository": dict.fromkeys(("url", "keyUrl"), "https://a.b/" + "x" * 3900)})
