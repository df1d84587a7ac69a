"""What the program creates in an account, in the terms of IAM policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Statement = dict[str, object]

TAG = "project"
PROJECT = "monitoring"
"""The main program's name in ../Pulumi.yaml, and the value of its tag."""

UNIQUE = "-???????"
"""What Pulumi appends to auto-generated names: a dash and seven hexadecimal digits
(pulumi.com/docs/iac/concepts/resources/names, "Auto-naming"). In IAM policies, `?` is any one character."""

SERVER, READER = f"server{UNIQUE}", f"cloudwatch{UNIQUE}"
"""Names of the program's identities (components/server_role.py, cloudwatch_role.py, cloudwatch_user.py)."""


@dataclass(frozen=True)
class Account:
    """The account with the roles. boundary: ARN of the policy that each role and user must have as its boundary, or
    None. zones: IDs of the Route 53 zones in which stacks may have names. keys: ARNs of KMS keys that stacks may
    use."""

    partition: str
    id: str
    boundary: str | None = None
    zones: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def ec2(self, *kinds: str) -> list[str]:
        """ARNs of everything of these kinds, in every region."""
        return [f"arn:{self.partition}:ec2:*:{self.id}:{kind}/*" for kind in kinds]

    def iam(self, kind: str, *names: str) -> list[str]:
        """ARNs of what has one of these names."""
        return [f"arn:{self.partition}:iam::{self.id}:{kind}/{name}" for name in names]

    @property
    def buckets(self) -> str:
        """The buckets for backups (components/backups.py). The state bucket's name does not match."""
        return f"arn:{self.partition}:s3:::monitoring-*-backups{UNIQUE}"

    @property
    def alarms(self) -> str:
        """Alarms of a dead man's switch (components/dead_mans_switch.py)."""
        return f"arn:{self.partition}:cloudwatch:*:{self.id}:alarm:monitoring-*"

    @property
    def databases(self) -> str:
        """Instances of Timestream for InfluxDB, whose ids AWS chooses (components/timestream.py)."""
        return f"arn:{self.partition}:timestream-influxdb:*:{self.id}:db-instance/*"

    @property
    def topics(self) -> str:
        """Topics of a dead man's switch."""
        return f"arn:{self.partition}:sns:*:{self.id}:monitoring-*"

    @property
    def hosted_zones(self) -> list[str]:
        return [f"arn:{self.partition}:route53:::hostedzone/{zone}" for zone in self.zones]

    @property
    def parameters(self) -> str:
        return f"arn:{self.partition}:ssm:*:{self.id}:parameter/monitoring/*"

    @property
    def documents(self) -> str:
        """The documents that State Manager runs on hosts chosen by tag (components/tagged_hosts.py)."""
        return f"arn:{self.partition}:ssm:*:{self.id}:document/monitoring-agent{UNIQUE}"

    @property
    def associations(self) -> str:
        """Associations, whose ids AWS chooses."""
        return f"arn:{self.partition}:ssm:*:{self.id}:association/*"

    @property
    def identities(self) -> list[str]:
        """All IAM resources that the program creates."""
        return [
            *self.iam("role", SERVER, READER),
            *self.iam("instance-profile", SERVER),
            *(arn for kind in ("user", "group", "policy") for arn in self.iam(kind, READER)),
        ]


def allow(sid: str, resource: str | Sequence[str], *actions: str, **more: object) -> Statement:
    """A statement that allows these actions on these ARNs. more: its other keys."""
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource, **more}
