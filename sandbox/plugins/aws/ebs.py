"""Volumes: aws.ebs.Volume and aws.ec2.VolumeAttachment."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import code
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, AwsResource, Ec2Resource, or_gone, present
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Failure,
    Input,
    Output,
    PluginError,
    Properties,
    fields,
)

_VOLUME_GONE = ("InvalidVolume.NotFound",)
_IOPS_TYPES = ("io1", "io2")


class Volume(Ec2Resource):
    """An EBS volume. It can grow in place, but not shrink."""

    token = "aws:ebs/volume:Volume"
    title = "EBS Volume"
    inputs = fields(
        availabilityZone=Input(TEXT, required=True, replaces=True),
        encrypted=Input(BOOLEAN, computed=True, replaces=True),
        finalSnapshot=Input(BOOLEAN, default=False),
        iops=Input(INTEGER, computed=True),
        kmsKeyId=Input(TEXT, computed=True, replaces=True),
        size=Input(INTEGER, computed=True),
        snapshotId=Input(TEXT, computed=True, replaces=True),
        throughput=Input(INTEGER, computed=True),
        type=Input(TEXT, computed=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(createTime=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if "size" not in inputs and "snapshotId" not in inputs:
            yield Failure("size", "Missing required argument. One of size, snapshotId must be set")
        kind = inputs.get("type")
        if kind in _IOPS_TYPES and "iops" not in inputs:
            yield Failure("iops", f"'iops' must be set when 'type' is '{kind}'")
        if "iops" in inputs and kind in ("gp2", "st1", "sc1", "standard"):
            yield Failure("iops", f"'iops' must not be set when 'type' is '{kind}'")
        key = inputs.get("kmsKeyId")
        if isinstance(key, str) and not key.startswith("arn:"):
            yield Failure("kmsKeyId", f'"kms_key_id" ({key}) is an invalid ARN: arn: invalid prefix')
        if "throughput" in inputs and kind != "gp3":
            yield Failure("throughput", f"'throughput' must not be set when 'type' is '{kind}'")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        id_ = self.ec2(inputs).create_volume(
            AvailabilityZone=inputs["availabilityZone"],
            **present(
                Encrypted=inputs.get("encrypted"),
                Iops=inputs.get("iops"),
                KmsKeyId=inputs.get("kmsKeyId"),
                Size=inputs.get("size"),
                SnapshotId=inputs.get("snapshotId"),
                Throughput=inputs.get("throughput"),
                VolumeType=inputs.get("type"),
                TagSpecifications=self.tag_specification("volume", inputs),
            ),
        )["VolumeId"]
        self.wait(f"{id_} create", lambda: self._found(id_, inputs, ("available", "in-use")), 5 * 60)
        return id_, self.read(id_, inputs) or {}

    def _found(self, id_: str, state: Properties, states: tuple[str, ...] = ()) -> dict[str, Any] | None:
        ec2 = self.ec2(state)
        answer = or_gone(lambda: ec2.describe_volumes(VolumeIds=[id_]), *_VOLUME_GONE)
        if not answer or not answer["Volumes"]:
            return None
        volume: dict[str, Any] = answer["Volumes"][0]
        return volume if not states or volume["State"] in states else None

    def read(self, id_: str, state: Properties) -> Properties | None:
        volume = self._found(id_, state)
        if volume is None or volume["State"] in ("deleting", "deleted"):
            return None
        region = self.region(state)
        return {
            "arn": self.client.arn("ec2", f"volume/{id_}", region),
            "availabilityZone": volume["AvailabilityZone"],
            "createTime": volume["CreateTime"].isoformat(),
            "encrypted": volume.get("Encrypted", False),
            "iops": volume.get("Iops"),
            "kmsKeyId": volume.get("KmsKeyId") or None,
            "size": volume["Size"],
            "snapshotId": volume.get("SnapshotId", ""),
            "throughput": volume.get("Throughput"),
            "type": volume["VolumeType"],
            "region": region,
            **self.tags_out(volume.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        wanted = {
            parameter: new[name]
            for name, parameter in (
                ("size", "Size"),
                ("type", "VolumeType"),
                ("iops", "Iops"),
                ("throughput", "Throughput"),
            )
            if name in new and new[name] != old.get(name)
        }
        if wanted.get("Size", old["size"]) < old["size"]:
            raise PluginError(
                f"modifying EBS Volume ({id_}): api error InvalidParameterValue: New size cannot be "
                f"smaller than existing size ({old['size']} GiB)"
            )
        if wanted:
            self.ec2(new).modify_volume(VolumeId=id_, **wanted)
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        ec2 = self.ec2(state)
        if state.get("finalSnapshot") and self._found(id_, state):
            self.status("taking the final snapshot")
            ec2.create_snapshot(VolumeId=id_, **present(TagSpecifications=self.tag_specification("snapshot", state)))

        def gone() -> bool | None:
            try:
                or_gone(lambda: ec2.delete_volume(VolumeId=id_), *_VOLUME_GONE)
            except ClientError as error:
                if code(error) == "VolumeInUse":
                    return None
                raise
            return True

        self.wait(f"{id_} delete: it is still attached", gone, 10 * 60)


class VolumeAttachment(AwsResource):
    """The attachment of a volume to an instance, with a device name.

    A volume can be attached only once, and the real provider does not delete before it replaces. So the program has to
    set `delete_before_replace=True`, here as with the real one.
    """

    token = "aws:ec2/volumeAttachment:VolumeAttachment"
    title = "EBS Volume Attachment"
    inputs = fields(
        deviceName=Input(TEXT, required=True, replaces=True),
        instanceId=Input(TEXT, required=True, replaces=True),
        volumeId=Input(TEXT, required=True, replaces=True),
        forceDetach=Input(BOOLEAN),
        skipDestroy=Input(BOOLEAN),
        stopInstanceBeforeDetaching=Input(BOOLEAN),
        **REGIONAL,
    )

    def _attachment(self, state: Properties) -> dict[str, Any] | None:
        ec2 = self.api("ec2", state)
        answer = or_gone(lambda: ec2.describe_volumes(VolumeIds=[state["volumeId"]]), *_VOLUME_GONE)
        attachments = answer["Volumes"][0].get("Attachments", []) if answer and answer["Volumes"] else []
        for attachment in attachments:
            if (attachment["InstanceId"], attachment["Device"]) == (state["instanceId"], state["deviceName"]):
                return dict(attachment)
        return None

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        ec2 = self.api("ec2", inputs)
        volume, instance, device = inputs["volumeId"], inputs["instanceId"], inputs["deviceName"]
        if self._attachment(inputs) is None:
            self.wait(f"{instance} running", lambda: self._state(inputs, ("running", "stopped")), 10 * 60)
            ec2.attach_volume(Device=device, InstanceId=instance, VolumeId=volume)
        self.wait(
            f"{volume} attached to {instance}",
            lambda: True if (self._attachment(inputs) or {}).get("State") == "attached" else None,
            5 * 60,
        )
        # The real provider's id: Go's hash of the three names.
        digest = zlib.crc32(f"{device}-{instance}-{volume}-".encode())
        return f"vai-{digest}", {"region": self.region(inputs)}

    def _state(self, state: Properties, states: tuple[str, ...]) -> str | None:
        answer = self.api("ec2", state).describe_instances(InstanceIds=[state["instanceId"]])
        name = str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])
        return name if name in states else None

    def read(self, id_: str, state: Properties) -> Properties | None:
        if "volumeId" not in state:
            device, volume, instance = self._import_id(id_)
            imported = {"deviceName": device, "volumeId": volume, "instanceId": instance}
            return {**imported, "region": self.region(state)} if self._attachment(imported) else None
        return {"region": self.region(state)} if self._attachment(state) else None

    def _import_id(self, id_: str) -> list[str]:
        parts = id_.split(":")
        if len(parts) != 3 or not all(parts):
            raise PluginError(f'Unexpected format of ID ("{id_}"), expected DEVICE_NAME:VOLUME_ID:INSTANCE_ID')
        return parts

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {"region": self.region(new)}

    def delete(self, id_: str, state: Properties) -> None:
        if state.get("skipDestroy") or self._attachment(state) is None:
            return
        ec2 = self.api("ec2", state)
        if state.get("stopInstanceBeforeDetaching"):
            self.status(f"stopping {state['instanceId']}")
            ec2.stop_instances(InstanceIds=[state["instanceId"]])
            self.wait(
                f"{state['instanceId']} stopped",
                lambda: self._state(state, ("stopped", "terminated")),
                10 * 60,
            )
        ec2.detach_volume(
            Device=state["deviceName"],
            InstanceId=state["instanceId"],
            VolumeId=state["volumeId"],
            Force=bool(state.get("forceDetach")),
        )
        self.wait(f"{state['volumeId']} detached", lambda: True if self._attachment(state) is None else None, 5 * 60)
