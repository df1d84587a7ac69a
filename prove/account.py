"""A stack's resources as AWS reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from prove.command_line import FailedError


@dataclass(frozen=True)
class Account:
    """project, stack: the tags of all that belongs to the stack."""

    region: str
    project: str
    stack: str

    def _client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region)  # type: ignore[call-overload]

    def _filters(self) -> list[dict[str, Any]]:
        tags = {"tag:project": self.project, "tag:stack": self.stack}
        return [{"Name": name, "Values": [value]} for name, value in tags.items()]

    def _instances(self) -> list[dict[str, Any]]:
        answer = self._client("ec2").describe_instances(Filters=self._filters())
        found = [each for group in answer["Reservations"] for each in group["Instances"]]
        return [each for each in found if each["State"]["Name"] not in ("terminated", "shutting-down")]

    def server(self, outputs: Mapping[str, Any]) -> str:
        """Check that the one server requires IMDSv2 and has encrypted volumes. Raises FailedError otherwise."""
        instances = self._instances()
        if [each["InstanceId"] for each in instances] != [outputs["instanceId"]]:
            raise FailedError(f"the servers of the stack are {[each['InstanceId'] for each in instances]}")
        options = instances[0]["MetadataOptions"]
        if (options["HttpTokens"], options["HttpPutResponseHopLimit"]) != ("required", 1):
            raise FailedError(f"the metadata service is not restricted enough: {options}")
        ids = [each["Ebs"]["VolumeId"] for each in instances[0]["BlockDeviceMappings"]]
        volumes = self._client("ec2").describe_volumes(VolumeIds=ids)["Volumes"]
        if open_ones := [each["VolumeId"] for each in volumes if not each["Encrypted"]]:
            raise FailedError(f"not encrypted: {open_ones}")
        return f"{outputs['instanceId']}, IMDSv2 with one hop, {len(volumes)} encrypted volumes"

    def console(self, outputs: Mapping[str, Any]) -> str:
        """The boot's newest console line. Raises FailedError if the console or user data has the admin password."""
        ec2, instance = self._client("ec2"), outputs["instanceId"]
        said = str(ec2.get_console_output(InstanceId=instance).get("Output") or "")
        data = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"].get("Value", "")
        if str(outputs["grafanaAdminPassword"]) in said + data:
            raise FailedError("the administrator's password is in the console output or the user data")
        newest = [line for line in said.splitlines() if "monitoring:" in line][-1:]
        return newest[0].strip() if newest else "empty so far (EC2 publishes it with a delay)"

    def only_key(self, key_id: str, former: str) -> str:
        """Check that `key_id` is the only access key of its user. Raises FailedError otherwise."""
        if key_id == former:
            raise FailedError(f"the access key is still {former}")
        iam = self._client("iam")
        user = iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"]
        keys = [each["AccessKeyId"] for each in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
        if keys != [key_id]:
            raise FailedError(f"{user} has the keys {keys}")
        return f"{user} has only the new key"

    def nothing_left(self) -> str:
        """Check that no server, volume, address, security group or parameter is left. Raises FailedError otherwise."""
        ec2, filters = self._client("ec2"), self._filters()
        left = [each["InstanceId"] for each in self._instances()]
        left += [each["VolumeId"] for each in ec2.describe_volumes(Filters=filters)["Volumes"]]
        left += [each["PublicIp"] for each in ec2.describe_addresses(Filters=filters)["Addresses"]]
        left += [each["GroupId"] for each in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]
        path = {"Key": "tag:stack", "Values": [self.stack]}, {"Key": "tag:project", "Values": [self.project]}
        left += [each["Name"] for each in self._client("ssm").describe_parameters(ParameterFilters=path)["Parameters"]]
        if left:
            raise FailedError(f"these still exist: {', '.join(left)}")
        return "no server, volume, address, security group or parameter with the stack's tags"
