"""The AWS provider of the program, with everything the stack's configuration says about it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import pulumi
import pulumi_aws as aws

from settings.given import from_json

NAMESPACE = "aws:"

IDENTITY = frozenset(
    {
        *("accessKey", "secretKey", "token", "profile", "sharedConfigFiles", "sharedCredentialsFiles"),
        *("assumeRoles", "assumeRoleWithWebIdentity", "endpoints", "stsRegion"),
    }
)
"""The settings that say who asks AWS, and where AWS is; program/identity.py follows them without Pulumi."""

MOST_TAGS = 50

SECRETS = ("secretKey", "token")


def provider_settings(raw: Mapping[str, str], secret_keys: Collection[str]) -> dict[str, Any]:
    """The settings `aws:…` by their names there, decoded as the provider's schema has them.

    raw: configuration keys and their values, as Pulumi hands them over. secret_keys: those kept encrypted. Raises
    pulumi.RunError for what is no setting of the provider, and for a secret in plain text.
    """
    known = _schema()
    found: dict[str, Any] = {}
    for key, value in raw.items():
        if not key.startswith(NAMESPACE):
            continue
        name = key.removeprefix(NAMESPACE)
        if name not in known:
            close = get_close_matches(name, known, n=1)
            guess = f"did you mean {NAMESPACE}{close[0]}?" if close else "remove it"
            raise pulumi.RunError(f"{key}: is not a setting of the AWS provider; {guess}")
        found[name] = value if known[name] else _decoded(key, value)
        token = isinstance(found[name], dict) and "webIdentityToken" in found[name]
        if (name in SECRETS or token) and key not in secret_keys:
            raise pulumi.RunError(f"{key}: is not encrypted; take it out and run pulumi config set --secret {key}")
    return found


def aws_provider(
    raw: Mapping[str, str], secret_keys: Collection[str], region: str, tags: Mapping[str, str]
) -> tuple[aws.Provider, pulumi.Output[str] | None]:
    """The provider that all AWS resources of the program have, with everything `aws:…` says; and what of that
    program/identity.py needs to know, as a secret JSON text, None when nothing is set.

    raw, secret_keys: see `provider_settings`. tags: on everything; they win over namesakes of `aws:defaultTags`.

    It stays an explicit provider, which takes nothing from the configuration by itself. A resource that moves to
    another provider is replaced only when that one's DiffConfig says so (pulumi/pulumi,
    pkg/resource/deploy/step_generator.go, providerChanged).
    """
    given = provider_settings(raw, secret_keys)
    theirs = _tags(given.get("defaultTags") or {})
    # A resource has at most 50 (docs: "Tag your AWS resources"), and the program gives it a Name besides.
    if (together := len({**theirs, **tags})) >= MOST_TAGS:
        raise pulumi.RunError(
            f"aws:defaultTags: makes {together} tags together with the stack's own; write at most {MOST_TAGS - 1}"
        )
    rest = {_argument(name): value for name, value in given.items() if name not in ("region", "defaultTags")}
    provider = aws.Provider("aws", region=region, default_tags={"tags": {**theirs, **tags}}, **rest)
    asked = {name: value for name, value in given.items() if name in IDENTITY}
    return provider, pulumi.Output.secret(json.dumps(asked, sort_keys=True)) if asked else None


def _tags(given: Any) -> dict[str, str]:
    """The tags of `aws:defaultTags`."""
    tags = (given.get("tags") or {}) if isinstance(given, dict) else None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise pulumi.RunError('aws:defaultTags: is not an object of tags; write {"tags": {"team": "web"}}')
    return tags


def _schema() -> dict[str, bool]:
    """The provider's settings, and whether each is a plain text; the others are JSON."""
    signature = inspect.signature(aws.ProviderArgs.__init__).parameters
    getters = {name: member.fget for name, member in vars(aws.ProviderArgs).items() if isinstance(member, property)}
    return {
        str(getattr(getter, "_pulumi_name", name)): str in get_args(signature[name].annotation)
        for name, getter in getters.items()
    }


def _argument(name: str) -> str:
    """The Python argument of a setting."""
    getters = ((each, member.fget) for each, member in vars(aws.ProviderArgs).items() if isinstance(member, property))
    return next(each for each, getter in getters if getattr(getter, "_pulumi_name", each) == name)


def _decoded(key: str, value: str) -> Any:
    """The value, which is not repeated: some of these settings hold tokens."""
    wrong = f"{key}: is not a list, an object, a number, true or false; see pulumi.com/registry/packages/aws"
    try:
        decoded = from_json(value)
    except RecursionError:
        raise pulumi.RunError(wrong) from None
    if isinstance(decoded, str):
        raise pulumi.RunError(wrong)
    return decoded
