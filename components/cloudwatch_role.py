"""An identity for Grafana's CloudWatch datasource that only exists on the server."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from program.policies import read_cloudwatch, trusting


class CloudwatchRole(pulumi.ComponentResource):
    """An identity for Grafana's CloudWatch datasource without a long-lived key: a role that the server's role may
    assume.

    The server's own role reads every secret of the stack, this one reads CloudWatch. Root on the server assumes it
    for Grafana (userdata/server/cloudwatch-credentials.sh), which cannot reach the metadata service: no process has the
    permissions of both.

    Produces: the role with the policy. It trusts the server's role by name, which is enough: within an account that
    role needs no permission of its own (docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, Permissions).

    taken_by: ARN of the server's role, which assumes it. boundary: ARN of the role's permissions boundary. roles:
    ARNs of those that it may assume itself.

    Attributes: arn, known once the role has its permissions.
    """

    def __init__(
        self,
        name: str,
        taken_by: pulumi.Output[str],
        boundary: str | None,
        roles: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:CloudwatchRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        trust = taken_by.apply(lambda arn: trusting(arn, None))
        role = aws.iam.Role(name, assume_role_policy=trust, permissions_boundary=boundary, opts=child)
        policy = read_cloudwatch(roles)
        read = aws.iam.RolePolicy(f"{name}-read", name="cloudwatch", role=role.id, policy=policy, opts=child)
        self.arn: pulumi.Output[str] = pulumi.Output.all(role.arn, read.id).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn})
