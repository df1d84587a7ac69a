"""EC2 instances in the shared environment's AWS for `hostsByTag`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.live.environment import Environment

TAG = {"Monitoring": "on"}
AGENT = "#!/bin/sh\nmkdir -p /etc/amazon/ssm\n"
"""Stands for the installation of AWS's agent, which Debian's images do not have (sandbox/machines/ssm_agent.py)."""

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
OPERATIONS = ("GetDocument", "ListInstanceAssociations", "UpdateInstanceAssociationStatus", "UpdateInstanceInformation")
MANAGED = {"Effect": "Allow", "Resource": "*", "Action": [f"ssm:{name}" for name in OPERATIONS]}
"""Of AmazonSSMManagedEC2InstanceDefaultPolicy, what the local agent needs. It does not allow reading parameters."""


@dataclass
class Fleet:
    """Instances of ours, all with one role."""

    environment: Environment
    role: str = "web"
    ids: dict[str, str] = field(default_factory=dict)
    """By Name tag."""

    def launch(self, name: str, tags: dict[str, str]) -> str:
        ec2 = self.environment.aws("ec2")
        image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]["ImageId"]
        everything = [{"Key": key, "Value": value} for key, value in {"Name": name, **tags}.items()]
        made = ec2.run_instances(
            ImageId=image,
            InstanceType="t3.small",
            MinCount=1,
            MaxCount=1,
            UserData=AGENT,
            IamInstanceProfile={"Name": self.role},
            MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": everything}],
        )
        self.ids[name] = str(made["Instances"][0]["InstanceId"])
        return self.ids[name]

    def status(self, name: str, association: str = "") -> tuple[str, str]:
        """How the association ended there, and its last line. association: a certain one."""
        found = self.environment.aws("ssm").describe_instance_associations_status(InstanceId=self.ids[name])
        for each in found["InstanceAssociationStatusInfos"]:
            if association in ("", each["AssociationId"]):
                return each["Status"], each.get("ExecutionSummary", "")
        return "", ""

    def telegraf(self, name: str) -> str:
        return self.environment.machine(self.ids[name], "systemctl", "is-active", "telegraf").stdout.strip()

    def allow(self, name: str, policy: str) -> None:
        self.environment.aws("iam").put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=policy)


@contextmanager
def fleet_of(environment: Environment) -> Iterator[Fleet]:
    """No instance yet, but the role; nothing of it is left afterwards."""
    iam, made = environment.aws("iam"), Fleet(environment)
    iam.create_role(RoleName=made.role, AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))
    made.allow("managed", json.dumps({"Version": "2012-10-17", "Statement": [MANAGED]}))
    iam.create_instance_profile(InstanceProfileName=made.role)
    iam.add_role_to_instance_profile(InstanceProfileName=made.role, RoleName=made.role)
    yield made
    environment.aws("ec2").terminate_instances(InstanceIds=list(made.ids.values()))
    iam.remove_role_from_instance_profile(InstanceProfileName=made.role, RoleName=made.role)
    iam.delete_instance_profile(InstanceProfileName=made.role)
    for policy in iam.list_role_policies(RoleName=made.role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=made.role, PolicyName=policy)
    iam.delete_role(RoleName=made.role)
