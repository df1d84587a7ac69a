"""An identity for Grafana's CloudWatch datasource that works from anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from program.policies import read_cloudwatch


class CloudwatchUser(pulumi.ComponentResource):
    """An identity for Grafana's CloudWatch datasource that works from anywhere.

    Produces: the policy, a group that has it, a user in the group, the user's access key. Another `generation` creates
    a new key, moves its users over, and deletes the old one last.

    boundary: ARN of the user's permissions boundary. roles: ARNs of those that it may assume.

    Attributes: arn, the user's; access_key_id, secret_access_key (a secret).
    """

    def __init__(
        self,
        name: str,
        generation: int,
        boundary: str | None,
        roles: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:CloudwatchUser", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        allowed = read_cloudwatch(roles)
        policy = aws.iam.Policy(name, description="Grafana reads CloudWatch", policy=allowed, opts=child)
        group = aws.iam.Group(name, opts=child)
        attachment = aws.iam.GroupPolicyAttachment(name, group=group.name, policy_arn=policy.arn, opts=child)
        user = aws.iam.User(name, permissions_boundary=boundary, opts=child)
        membership = aws.iam.UserGroupMembership(name, user=user.name, groups=[group.name], opts=child)
        # The generation is part of the resource's name: to Pulumi the new key is another resource,
        # so it exists before the old one is deleted. Permissions come first, so that the key works
        # from the start.
        key = aws.iam.AccessKey(
            f"{name}-{generation}",
            user=user.name,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[attachment, membership], additional_secret_outputs=["secret"]
            ),
        )
        self.arn: pulumi.Output[str] = user.arn
        self.access_key_id: pulumi.Output[str] = key.id
        self.secret_access_key: pulumi.Output[str] = pulumi.Output.secret(key.secret)
        self.register_outputs({"accessKeyId": self.access_key_id})
