"""The parameters from which the server gets its secrets and files, and which only its role may read."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from program.revision import listing, revision_of

STANDARD_LIMIT = 4096
"""Bytes that a standard parameter can have; an advanced one (0.05 USD a month) can have 8192."""

AWS_MANAGED_KEY = "alias/aws/ssm"
"""The key that AWS has for all of an account's parameters."""

SHORT = ("-password", "-secret", "-secret-key")
"""Endings of the names of short values, whose tier is known before they are (settings/values.py, LONGEST_PASSWORD)."""


def _tier(name: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
    """The tier that a value needs; its length is no secret. An advanced parameter only becomes standard if recreated
    (docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html)."""
    if name.endswith(SHORT):
        return "Standard"
    needed = pulumi.Output.from_input(value).apply(
        lambda known: "Advanced" if len(known.encode()) > STANDARD_LIMIT else "Standard"
    )
    return pulumi.Output.unsecret(needed)


class Parameters(pulumi.ComponentResource):
    """What a server reads: its secrets and its services' files, in the parameter store.

    Produces: one SecureString parameter per secret (encrypted with `key`) and one String
    parameter per file, named FOLDER/NAME, and FOLDER/state/revision, which is written after all
    of them and lists their versions, so that the server applies all changes of a `pulumi up` together. A value
    over 4 KiB (a long certificate chain) takes the advanced tier.

    folder: `ServerRole.folder`. revision_key: a secret of this stack, with which `revision` is made. key: ARN of
    `kmsKey`; None for the account's own, which is named explicitly so that it replaces a former one. With a key, a
    parameter whose value changes is replaced: in an update the provider names no key (terraform-provider-aws,
    internal/service/ssm/parameter.go), and AWS then uses the account's own (API_PutParameter, KeyId).

    Attributes: revision: identifies exactly these parameters, see `revision_of`. complete: the last parameter
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
        key: str | None = None,
    ) -> None:
        super().__init__("monitoring:index:Parameters", name, None, opts)
        # Two parameters cannot have the same name, not even for a moment.
        child = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        secret_child = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(replace_on_changes=["value"] if key else [])
        )
        # The folder belongs to this stack alone; a killed update can have left parameters that Pulumi does not know
        # about.
        overwrite = True
        made = {}
        for secret, value in sorted(secrets.items()):
            made[secret] = aws.ssm.Parameter(
                secret,
                name=pulumi.Output.concat(folder, "/", secret),
                type="SecureString",
                tier=_tier(secret, value),
                value=pulumi.Output.secret(value),
                key_id=key or AWS_MANAGED_KEY,
                overwrite=overwrite,
                opts=secret_child,
            )
        for file, value in sorted(files.items()):
            made[file] = aws.ssm.Parameter(
                file,
                name=pulumi.Output.concat(folder, "/", file),
                type="String",
                tier=_tier(file, value),
                insecure_value=value,
                overwrite=overwrite,
                opts=child,
            )
        # The versions are integers, which arrive as floats from some providers.
        versions = {key: parameter.version.apply(int) for key, parameter in made.items()}
        revision = pulumi.Output.all(revision_key, {**secrets, **files}, versions).apply(lambda all: revision_of(*all))
        # It reveals nothing about the secrets it is made from.
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
