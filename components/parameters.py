"""How the server gets its secrets: parameters that its role, and no other, may read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.cloudwatch_access import POLICY

STANDARD_LIMIT = 4096
"""Bytes a standard parameter holds; an advanced one (0.05 USD a month) holds 8192."""


def path(stack: str) -> str:
    """Where a stack's parameters lie."""
    return f"/monitoring/{stack}"


class Parameters(pulumi.ComponentResource):
    """The server's secrets, encrypted in the parameter store with the account's key `aws/ssm`.

    Produces: one SecureString parameter a value, named /monitoring/STACK/NAME. A value over 4 KiB (a long
    certificate chain) takes the advanced tier.

    Attributes: revision changes whenever a value does.
    """

    def __init__(self, name: str, values: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:Parameters", name, None, opts)
        folder = path(pulumi.get_stack())
        versions = []
        for parameter, value in sorted(values.items()):
            large = isinstance(value, str) and len(value.encode()) > STANDARD_LIMIT
            made = aws.ssm.Parameter(
                parameter,
                name=f"{folder}/{parameter}",
                type="SecureString",
                tier="Advanced" if large else "Standard",
                value=pulumi.Output.secret(value),
                opts=pulumi.ResourceOptions(parent=self),
            )
            versions.append(made.version)
        # The versions are whole numbers, which arrive as floats from some providers.
        self.revision: pulumi.Output[str] = pulumi.Output.all(*versions).apply(
            lambda numbers: ".".join(str(int(number)) for number in numbers)
        )
        self.register_outputs({"revision": self.revision})


class ServerRole(pulumi.ComponentResource):
    """What the server itself may do in AWS: read its own parameters.

    Produces: a role that EC2 instances may take, its policy (ssm:GetParameter below the stack's path), an
    instance profile; with `reads_cloudwatch` also the CloudWatch policy. The parameters are encrypted with
    the AWS managed key aws/ssm, whose own policy lets every principal of the account decrypt through the
    parameter store: no kms statement is needed (docs: "AWS KMS encryption for Parameter Store SecureString
    parameters").

    Attributes: profile_name; role_name, for further policies; partition, as in ARNs.
    """

    def __init__(
        self,
        name: str,
        region: str,
        reads_cloudwatch: bool,
        opts: pulumi.ResourceOptions,
        invoke: pulumi.InvokeOptions,
    ) -> None:
        super().__init__("monitoring:index:ServerRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identity = aws.get_caller_identity(opts=invoke)
        partition = identity.arn.split(":")[1]
        own = f"arn:{partition}:ssm:{region}:{identity.account_id}:parameter{path(pulumi.get_stack())}/*"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        read = {"Sid": "ReadOwnParameters", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": own}
        role = aws.iam.Role(name, assume_role_policy=_document(trust), opts=child)
        policies = [aws.iam.RolePolicy(f"{name}-parameters", role=role.id, policy=_document(read), opts=child)]
        if reads_cloudwatch:
            policies.append(aws.iam.RolePolicy(f"{name}-cloudwatch", role=role.id, policy=POLICY, opts=child))
        profile = aws.iam.InstanceProfile(
            name, role=role.name, opts=pulumi.ResourceOptions(parent=self, depends_on=policies)
        )
        self.role_name: pulumi.Output[str] = role.name
        self.partition = partition
        self.profile_name: pulumi.Output[str] = profile.name
        self.register_outputs({"profileName": self.profile_name})


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
