"""The account's trust in GitHub's tokens."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from bootstrap.trust import AUDIENCE, HOST
from program.lookups import RefusedError, look_up

OWNER = "pulumi-project"


class IdentityProvider(pulumi.ComponentResource):
    """GitHub's OIDC identity provider, of which an account can have one.

    Produces: the provider, unless the account has one that someone else created: that one is used, and stays when this
    stack is destroyed. IAM checks GitHub's certificate by its own list of authorities, so no thumbprint is given
    (docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html).

    Attributes: arn. Raises pulumi.RunError when the account's does not accept tokens for AWS.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions, invoke: pulumi.InvokeOptions) -> None:
        super().__init__("monitoring:bootstrap:IdentityProvider", name, None, opts)
        owner = f"{pulumi.get_project()}/{pulumi.get_stack()}"
        there = _found(invoke)
        if there and there.tags.get(OWNER) != owner:
            if AUDIENCE not in there.client_id_lists:
                raise pulumi.RunError(
                    f"The account's identity provider {there.arn} does not accept tokens for AWS. Add the audience: "
                    f"aws iam add-client-id-to-open-id-connect-provider --client-id {AUDIENCE} "
                    f"--open-id-connect-provider-arn {there.arn}"
                )
            self.arn = pulumi.Output.from_input(there.arn)
        else:
            provider = aws.iam.OpenIdConnectProvider(
                name,
                url=f"https://{HOST}",
                client_id_lists=[AUDIENCE],
                tags={OWNER: owner},
                # Protected: without its tag it would look like someone else's, which must not be deleted.
                opts=pulumi.ResourceOptions(parent=self, protect=True),
            )
            self.arn = provider.arn
        self.register_outputs({"arn": self.arn})


def _found(invoke: pulumi.InvokeOptions) -> aws.iam.GetOpenIdConnectProviderResult | None:
    """The account's existing provider, or None."""
    try:
        return look_up(aws.iam.get_open_id_connect_provider, invoke, url=f"https://{HOST}")
    except RefusedError as error:
        if "not found" not in error.said and "couldn't find" not in error.said.lower():
            raise
        return None
