"""The server's own permissions in AWS."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from program.lookups import look_up
from program.naming import parameter_folder
from program.policies import document, reading_with


class ServerRole(pulumi.ComponentResource):
    """The server's role: it may read its own parameters.

    Produces: a role that EC2 instances may assume, its policy (ssm:GetParametersByPath, which IAM checks against
    the requested path: docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html), an
    instance profile. Without a key, the parameters are encrypted with the AWS managed key aws/ssm, whose own policy
    lets every principal of the account decrypt through the parameter store: no kms statement is needed (docs: "AWS KMS
    encryption for Parameter Store SecureString parameters"). With a key, the role may use it to decrypt its parameters.

    boundary: ARN of the role's permissions boundary. key: ARN of `kmsKey`.

    Attributes: profile_name; role_name, for other policies; role_arn; folder, of its parameters, and the folder's ARN,
    folder_arn; partition, as in ARNs.
    """

    def __init__(
        self,
        name: str,
        region: str,
        opts: pulumi.ResourceOptions,
        invoke: pulumi.InvokeOptions,
        *,
        boundary: str | None = None,
        key: str | None = None,
    ) -> None:
        super().__init__("monitoring:index:ServerRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identity = look_up(aws.get_caller_identity, invoke)
        partition = identity.arn.split(":")[1]
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = aws.iam.Role(name, assume_role_policy=document(trust), permissions_boundary=boundary, opts=child)
        stack = pulumi.get_stack()
        self.folder: pulumi.Output[str] = role.name.apply(lambda unique: parameter_folder(stack, unique))
        self.folder_arn: pulumi.Output[str] = self.folder.apply(
            lambda folder: f"arn:{partition}:ssm:{region}:{identity.account_id}:parameter{folder}"
        )
        read = self.folder_arn.apply(lambda folder: document(*_reading(folder, key)))
        # The policy's name is fixed, so that one left by a killed update is overwritten: a role with policies that
        # Pulumi does not know about cannot be deleted.
        policy = aws.iam.RolePolicy(f"{name}-parameters", name="parameters", role=role.id, policy=read, opts=child)
        profile = aws.iam.InstanceProfile(
            name, role=role.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[policy])
        )
        self.role_name: pulumi.Output[str] = role.name
        self.role_arn: pulumi.Output[str] = role.arn
        self.partition = partition
        self.profile_name: pulumi.Output[str] = profile.name
        self.register_outputs({"profileName": self.profile_name})


def _reading(folder: str, key: str | None) -> list[dict[str, object]]:
    read: dict[str, object] = {
        "Sid": "ReadOwnParameters",
        "Effect": "Allow",
        "Action": "ssm:GetParametersByPath",
        "Resource": [folder, f"{folder}/state"],
    }
    return [read, *reading_with(key, f"{folder}/*")]
