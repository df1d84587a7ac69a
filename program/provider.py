"""The program's AWS provider, with everything in the stack's configuration."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import pulumi
import pulumi_aws as aws

from program.aws_settings import argument, provider_settings
from settings import aws_tags
from settings.mistakes import WrongValueError

IDENTITY = frozenset(
    {
        *("accessKey", "secretKey", "token", "profile", "sharedConfigFiles", "sharedCredentialsFiles"),
        *("assumeRoles", "assumeRoleWithWebIdentity", "endpoints", "stsRegion"),
    }
)
"""The settings of the identity and of AWS's address; program/identity.py follows them without Pulumi."""

MOST_TAGS = 50


def aws_provider(
    raw: Mapping[str, str], secret_keys: Collection[str], region: str, tags: Mapping[str, str]
) -> tuple[aws.Provider, pulumi.Output[str] | None]:
    """The provider of all the program's AWS resources, with all settings `aws:…`; and those that program/identity.py
    needs, as a secret JSON text, or None if none of them is set.

    raw, secret_keys: see `provider_settings`. tags: on everything; they override those of the same name in
    `aws:defaultTags`.

    It is an explicit provider, which reads no configuration itself. A resource that moves to another provider is only
    replaced if that provider's DiffConfig says so (pulumi/pulumi, pkg/resource/deploy/step_generator.go,
    providerChanged).
    """
    given = provider_settings(raw, secret_keys)
    theirs = given.get("defaultTags", {}).get("tags") or {}
    try:
        for name, content in theirs.items():
            aws_tags.check(name, content)
            aws_tags.check_once(name, {**theirs, **tags})
    except WrongValueError as error:
        wrong, instead = error.sentence(showing="aws:defaultTags" not in secret_keys)
        raise pulumi.RunError(f"aws:defaultTags.tags: {wrong}; {instead}") from None
    # A resource can have 50 tags (docs: "Tag your AWS resources"), and the program adds a Name.
    if (together := len({**theirs, **tags})) >= MOST_TAGS:
        raise pulumi.RunError(
            f"aws:defaultTags: makes {together} tags together with the stack's own; write at most {MOST_TAGS - 1}"
        )
    rest = {argument(name): value for name, value in given.items() if name not in ("region", "defaultTags")}
    provider = aws.Provider("aws", region=region, default_tags={"tags": {**theirs, **tags}}, **rest)
    asked = {name: value for name, value in given.items() if name in IDENTITY}
    return provider, pulumi.Output.secret(json.dumps(asked, sort_keys=True)) if asked else None
