"""How the server gets its secrets: parameters that its role, and no other, may read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.influx import Influx
from components.lookups import look_up
from settings import Settings

STANDARD_LIMIT = 4096
"""Bytes a standard parameter holds; an advanced one (0.05 USD a month) holds 8192."""


def path(stack: str, role: str) -> str:
    """Where a stack's parameters lie. Its own name is for people; the name of its role is what no other stack in the
    account has, because IAM gives a name once: a namesake, in whichever project or backend, has another path."""
    return f"/monitoring/{stack}.{role}"


def machine() -> str:
    """The server's name: its tag `host` in its own measurements, and its Name tag in AWS."""
    return f"monitoring-{pulumi.get_stack()}"


def _tier(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """The tier that a value needs; its length is no secret. From Advanced there is no way back but a new parameter
    (docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html)."""
    needed = pulumi.Output.from_input(value).apply(
        lambda known: "Advanced" if len(known.encode()) > STANDARD_LIMIT else "Standard"
    )
    return pulumi.Output.unsecret(needed)


class Parameters(pulumi.ComponentResource):
    """What a server is told: its secrets and its services' files, in the parameter store.

    Produces: one SecureString parameter a secret (encrypted with the account's key `aws/ssm`) and one String
    parameter a file, named FOLDER/NAME, and FOLDER/state/revision, which is written after all
    of them and lists their versions, so that the server takes up all changes of a `pulumi up` together. A value
    over 4 KiB (a long certificate chain) takes the advanced tier.

    folder: `ServerRole.folder`. revision_key: a secret of this stack, with which `revision` is made.

    Attributes: revision: what these very parameters are recognized by, see `revision_of`. complete: the last parameter
    itself.
    """

    def __init__(
        self,
        name: str,
        secrets: Mapping[str, pulumi.Input[str]],
        files: Mapping[str, pulumi.Input[str]],
        folder: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
        *,
        revision_key: pulumi.Output[str],
    ) -> None:
        super().__init__("monitoring:index:Parameters", name, None, opts)
        # Two parameters of one name there cannot be, also for a moment.
        child = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        # The folder is this stack's alone; an update that was killed may have left one that Pulumi does not know of.
        overwrite = True
        made = {}
        for secret, value in sorted(secrets.items()):
            made[secret] = aws.ssm.Parameter(
                secret,
                name=pulumi.Output.concat(folder, "/", secret),
                type="SecureString",
                tier=_tier(value),
                value=pulumi.Output.secret(value),
                overwrite=overwrite,
                opts=child,
            )
        for file, value in sorted(files.items()):
            made[file] = aws.ssm.Parameter(
                file,
                name=pulumi.Output.concat(folder, "/", file),
                type="String",
                tier=_tier(value),
                insecure_value=value,
                overwrite=overwrite,
                opts=child,
            )
        # The versions are whole numbers, which arrive as floats from some providers.
        versions = {key: parameter.version.apply(int) for key, parameter in made.items()}
        revision = pulumi.Output.all(revision_key, {**secrets, **files}, versions).apply(lambda all: revision_of(*all))
        # It tells nothing of the secrets it is made from.
        self.revision: pulumi.Output[str] = pulumi.Output.unsecret(revision)
        self.complete = aws.ssm.Parameter(
            f"{name}-revision",
            name=pulumi.Output.concat(folder, "/state/revision"),
            type="String",
            tier="Standard",
            overwrite=overwrite,
            insecure_value=pulumi.Output.all(self.revision, versions).apply(lambda all: listing(*all)),
            opts=child,
        )
        self.register_outputs({"revision": self.revision})


def revision_of(key: str, values: Mapping[str, str], versions: Mapping[str, int]) -> str:
    """What these parameters, in these versions, are recognized by: a code (HMAC-SHA-256) of all of them.

    A number alone would not do: in the parameter store it begins again at 1 when a parameter was deleted, and another
    program that writes to the same path counts on. Nobody without the key can try out what the secrets are.
    """
    content = json.dumps({name: [versions[name], values[name]] for name in values}, sort_keys=True)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()[:32]


def listing(revision: str, versions: Mapping[str, int]) -> str:
    """The parameter `revision`, as boot.sh reads it."""
    return f"# {revision}\n" + "".join(f"{key} {version}\n" for key, version in sorted(versions.items()))


def users_in_use(
    settings: Settings,
    influx: Influx,
    moved: Sequence[pulumi.Output[str]],
    folder: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource | None:
    """Tells the server that Grafana and every agent use this generation of InfluxDB's users: it then drops all
    others. Nothing with another InfluxDB service, whose users are not ours.

    moved: known once Grafana and each agent have them. When one of them fails, all users stay: `everybody`.
    """
    if settings.influxdb:
        return None
    users = f"{influx.writer} {influx.reader}"
    value = pulumi.Output.all(*moved).apply(lambda _: users).recover(lambda _: "everybody")
    return aws.ssm.Parameter(
        "influxdb-users-in-use",
        name=pulumi.Output.concat(folder, "/state/users-in-use"),
        type="String",
        tier="Standard",
        insecure_value=value,
        overwrite=True,
        opts=opts,
    )


class ServerRole(pulumi.ComponentResource):
    """What the server itself may do in AWS: read its own parameters.

    Produces: a role that EC2 instances may take, its policy (ssm:GetParametersByPath, which is judged by the path
    that is asked for: docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html), an
    instance profile. The parameters are encrypted with
    the AWS managed key aws/ssm, whose own policy lets every principal of the account decrypt through the
    parameter store: no kms statement is needed (docs: "AWS KMS encryption for Parameter Store SecureString
    parameters").

    Attributes: profile_name; role_name, for further policies; role_arn; folder, where its parameters lie; partition, as
    in ARNs.
    """

    def __init__(
        self,
        name: str,
        region: str,
        opts: pulumi.ResourceOptions,
        invoke: pulumi.InvokeOptions,
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
        role = aws.iam.Role(name, assume_role_policy=_document(trust), opts=child)
        stack = pulumi.get_stack()
        self.folder: pulumi.Output[str] = role.name.apply(lambda unique: path(stack, unique))
        read = self.folder.apply(
            lambda folder: _document(_reading(f"arn:{partition}:ssm:{region}:{identity.account_id}:parameter{folder}"))
        )
        # Its name is fixed, so that one which a killed update left is written over: a role that has policies Pulumi
        # does not know of cannot be deleted.
        policy = aws.iam.RolePolicy(f"{name}-parameters", name="parameters", role=role.id, policy=read, opts=child)
        profile = aws.iam.InstanceProfile(
            name, role=role.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[policy])
        )
        self.role_name: pulumi.Output[str] = role.name
        self.role_arn: pulumi.Output[str] = role.arn
        self.partition = partition
        self.profile_name: pulumi.Output[str] = profile.name
        self.register_outputs({"profileName": self.profile_name})


def _reading(folder: str) -> dict[str, object]:
    return {
        "Sid": "ReadOwnParameters",
        "Effect": "Allow",
        "Action": "ssm:GetParametersByPath",
        "Resource": [folder, f"{folder}/state"],
    }


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
