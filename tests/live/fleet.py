"""EC2 instances in the shared environment's AWS, for `hostsByTag`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.live.environment import Environment

TAG = {"Monitoring": "on"}
AGENT = "#!/bin/sh\nmkdir -p /etc/amazon/ssm\n"
"""Stands for installing AWS's agent, which Debian's images do not have (sandbox/machines/ssm_agent.py)."""

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
OPERATIONS = ("GetDocument", "ListInstanceAssociations", "UpdateInstanceAssociationStatus", "UpdateInstanceInformation")
MANAGED = {"Effect": "Allow", "Resource": "*", "Action": [f"ssm:{name}" for name in OPERATIONS]}
"""What the local agent needs of AmazonSSMManagedEC2InstanceDefaultPolicy, which does not allow reading parameters."""


@dataclass
class Fleet:
    """EC2 instances, all with the same role. ids: by their Name tag."""

    environment: Environment
    role: str = "web"
    ids: dict[str, str] = field(default_factory=dict)

    def launch(self, name: str, tags: dict[str, str]) -> str:
        """Launch an instance; returns its id."""
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
        """How the association's last run ended there, and its last line of output. association: by default any."""
        found = self.environment.aws("ssm").describe_instance_associations_status(InstanceId=self.ids[name])
        for each in found["InstanceAssociationStatusInfos"]:
            if association in ("", each["AssociationId"]):
                return each["Status"], each.get("ExecutionSummary", "")
        return "", ""

    def telegraf(self, name: str) -> str:
        """The state of Telegraf's service on an instance."""
        return self.environment.machine(self.ids[name], "systemctl", "is-active", "telegraf").stdout.strip()

    def allow(self, name: str, policy: str) -> None:
        self.environment.aws("iam").put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=policy)


@contextmanager
def fleet_of(environment: Environment) -> Iterator[Fleet]:
    """A fleet with its role and no instances yet; all of it is removed afterwards."""
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
