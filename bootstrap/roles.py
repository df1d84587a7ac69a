"""The roles that jobs of the repository assume."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from bootstrap.account import Statement
from program.policies import document

LONGEST_SECONDS = 2 * 3600
"""The longest session that a job may request: `bootTimeout` can be as long."""


class JobRole(pulumi.ComponentResource):
    """A role for jobs. Its name is fixed, so that an organization's policies can refer to it.

    Produces: the role, the policy inside it, and a managed one (NAME-databases) with `further` statements. IAM accepts
    up to 10,240 characters inside a role, and counts those of managed policies separately, 6,144 each
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).

    Attributes: arn.
    """

    def __init__(
        self,
        name: str,
        description: str,
        trust: pulumi.Input[str],
        statements: pulumi.Input[Sequence[Statement]],
        opts: pulumi.ResourceOptions,
        *,
        further: Sequence[Statement],
    ) -> None:
        super().__init__("monitoring:bootstrap:JobRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=name,
            description=description,
            assume_role_policy=trust,
            max_session_duration=LONGEST_SECONDS,
            opts=child,
        )
        policy = pulumi.Output.from_input(statements).apply(lambda known: document(*known))
        aws.iam.RolePolicy(name, name="jobs", role=role.name, policy=policy, opts=child)
        managed = aws.iam.Policy(name, name=f"{name}-databases", policy=document(*further), opts=child)
        aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=managed.arn, opts=child)
        self.arn: pulumi.Output[str] = role.arn
        self.register_outputs({"arn": self.arn})
