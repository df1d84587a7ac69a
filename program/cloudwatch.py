"""The identity that reads CloudWatch for Grafana: a user with a key, or a role that the server assumes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.cloudwatch_role import CloudwatchRole
from components.cloudwatch_user import CloudwatchUser
from components.grafana_content import AccessKey
from settings import Settings


@dataclass(frozen=True)
class Reader:
    """The identity. arn: its ARN. user, key: None for a role."""

    arn: pulumi.Output[str]
    user: CloudwatchUser | None = None

    @property
    def key(self) -> AccessKey | None:
        """The key that the datasource logs in with."""
        return AccessKey(self.user.access_key_id, self.user.secret_access_key) if self.user else None

    @property
    def key_id(self) -> pulumi.Input[str]:
        """The access key's ID, "" for a role."""
        return self.user.access_key_id if self.user else ""

    @property
    def role_arn(self) -> pulumi.Input[str]:
        """The role's ARN, "" for a user."""
        return "" if self.user else self.arn


def cloudwatch_reader(settings: Settings, server_role: pulumi.Output[str], opts: pulumi.ResourceOptions) -> Reader:
    """The identity that `cloudwatchAuth` asks for. server_role: ARN of the role that may assume the other one."""
    boundary = settings.permissions_boundary
    theirs = [account.role_arn for account in settings.cloudwatch_accounts]
    if settings.cloudwatch_auth == "role":
        return Reader(CloudwatchRole("cloudwatch", server_role, boundary, theirs, opts).arn)
    user = CloudwatchUser("cloudwatch", settings.access_key_generation, boundary, theirs, opts)
    return Reader(user.arn, user)
