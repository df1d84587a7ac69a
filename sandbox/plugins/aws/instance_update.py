"""Changes of an instance in place, in the real provider's order."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.plugins.aws import instance_request
from sandbox.plugins.aws.instance_state import find, wait_for
from sandbox.plugins.aws.resource import Ec2Resource, tag_list
from sandbox.plugins.base import PluginError, Properties

STOPPING = frozenset({"instanceType", "userData", "userDataBase64"})
"""Inputs that can only be changed while the instance is stopped."""


def apply(instance: Ec2Resource, id_: str, old: Properties, new: Properties) -> None:
    """Make the instance match the inputs, except for tags. old: its state; new: the inputs."""
    ec2 = instance.ec2(new)
    changed = {name for name in new if new[name] != old.get(name)}
    if "iamInstanceProfile" in changed:
        _profile(ec2, id_, new["iamInstanceProfile"])
    if "vpcSecurityGroupIds" in changed:
        ec2.modify_instance_attribute(InstanceId=id_, Groups=new["vpcSecurityGroupIds"])
    if "sourceDestCheck" in changed:
        ec2.modify_instance_attribute(InstanceId=id_, SourceDestCheck={"Value": new["sourceDestCheck"]})
    if changed & STOPPING:
        _change_while_stopped(instance, id_, new, changed)
    if "disableApiTermination" in changed:
        wanted = {"Value": new["disableApiTermination"]}
        ec2.modify_instance_attribute(InstanceId=id_, DisableApiTermination=wanted)
    if "disableApiStop" in changed:
        ec2.modify_instance_attribute(InstanceId=id_, DisableApiStop={"Value": new["disableApiStop"]})
    if "instanceInitiatedShutdownBehavior" in changed:
        behaviour = {"Value": new["instanceInitiatedShutdownBehavior"]}
        ec2.modify_instance_attribute(InstanceId=id_, InstanceInitiatedShutdownBehavior=behaviour)
    if "monitoring" in changed:
        request = ec2.monitor_instances if new["monitoring"] else ec2.unmonitor_instances
        request(InstanceIds=[id_])
    if _differs("metadataOptions", old, new):
        options = instance_request.metadata(new["metadataOptions"])
        ec2.modify_instance_metadata_options(InstanceId=id_, **options)
    if _differs("creditSpecification", old, new):
        credits_ = {"InstanceId": id_, "CpuCredits": new["creditSpecification"].get("cpuCredits", "standard")}
        ec2.modify_instance_credit_specification(InstanceCreditSpecifications=[credits_])
    if _differs("maintenanceOptions", old, new):
        recovery = new["maintenanceOptions"].get("autoRecovery", "default")
        ec2.modify_instance_maintenance_options(InstanceId=id_, AutoRecovery=recovery)
    _root_volume(ec2, id_, old, new)


def _differs(name: str, old: Properties, new: Properties) -> bool:
    """Whether a field in the inputs differs from the state."""
    before = old.get(name, {})
    return any(before.get(key) != value for key, value in new.get(name, {}).items())


def _change_while_stopped(instance: Ec2Resource, id_: str, new: Properties, changed: set[str]) -> None:
    """Stop the instance, change what can only be changed while it is stopped, and start it again if it was running."""
    ec2 = instance.ec2(new)
    found = find(instance, id_, new)
    running = found is not None and found["State"]["Name"] == "running"
    if running:
        instance.status("stopping")
        ec2.stop_instances(InstanceIds=[id_])
        wait_for(instance, id_, new, "stopped", 10 * 60)
    if "instanceType" in changed:
        ec2.modify_instance_attribute(InstanceId=id_, InstanceType={"Value": new["instanceType"]})
    if changed & {"userData", "userDataBase64"}:
        text = instance_request.user_data(new) or ""
        ec2.modify_instance_attribute(InstanceId=id_, UserData={"Value": _local_form(text)})
    if running:
        instance.status("starting")
        ec2.start_instances(InstanceIds=[id_])
        wait_for(instance, id_, new, "running", 10 * 60)


def _local_form(text: str) -> bytes:
    """User data for ModifyInstanceAttribute, encoded once more, because moto stores it without decoding it."""
    return base64.b64encode(text.encode())


def _profile(ec2: Any, id_: str, name: str) -> None:
    filters = [{"Name": "instance-id", "Values": [id_]}]
    current = ec2.describe_iam_instance_profile_associations(Filters=filters)["IamInstanceProfileAssociations"]
    if not current:
        ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": name}, InstanceId=id_)
        return
    ec2.replace_iam_instance_profile_association(
        IamInstanceProfile={"Name": name}, AssociationId=current[0]["AssociationId"]
    )


def _root_volume(ec2: Any, id_: str, old: Properties, new: Properties) -> None:
    before, after = old.get("rootBlockDevice", {}), new.get("rootBlockDevice", {})
    volume = before.get("volumeId")
    if volume is None:
        return
    names = {"volumeSize": "Size", "volumeType": "VolumeType", "iops": "Iops", "throughput": "Throughput"}
    wanted = {
        parameter: after[name] for name, parameter in names.items() if name in after and after[name] != before.get(name)
    }
    if wanted.get("Size", before["volumeSize"]) < before["volumeSize"]:
        raise PluginError(
            f"updating EC2 Instance ({id_}): the root volume has {before['volumeSize']} GiB and cannot shrink"
        )
    if wanted:
        ec2.modify_volume(VolumeId=volume, **wanted)
    keep = after.get("deleteOnTermination")
    if keep is not None and keep != before.get("deleteOnTermination"):
        mapping = {"DeviceName": before["deviceName"], "Ebs": {"DeleteOnTermination": keep}}
        ec2.modify_instance_attribute(InstanceId=id_, BlockDeviceMappings=[mapping])
    tags = {**after.get("tags", {}), **new.get("volumeTags", {})}
    if tags and tags != {**before.get("tags", {}), **old.get("volumeTags", {})}:
        ec2.create_tags(Resources=[volume], Tags=tag_list(tags))
