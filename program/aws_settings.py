"""The settings `aws:…` of a stack, checked against the AWS provider's SDK.

The provider itself would report a wrong type unclearly, or not at all: an unquoted account ID in forbiddenAccountIds
forbids nothing. No message repeats a value, because some of these settings contain keys and tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import pulumi
import pulumi_aws as aws
from pulumi import _types

from settings.given import from_json
from settings.mistakes import SECRET

NAMESPACE = "aws:"
SECRETS = ("secretKey", "token")
ACCOUNTS = ("allowedAccountIds", "forbiddenAccountIds")
MOST = 2**31 - 1
"""The largest of the provider's integers: Go's int has at least as many bits."""

WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,23}")
"""A text that can be a key's name, misspelt or not."""

PAGE = "see pulumi.com/registry/packages/aws/installation-configuration"
PLAIN: dict[Any, tuple[type, str, str]] = {
    bool: (bool, "is not true or false", "write true or false"),
    int: (int, "is not an integer", "write a number such as 25"),
    str: (str, "is not a string", "write it in quotes"),
}


def provider_settings(raw: Mapping[str, str], secret_keys: Collection[str]) -> dict[str, Any]:
    """The settings `aws:…` by name, decoded as the provider's schema has them; an empty one counts as not set.

    raw: configuration keys and their values, as Pulumi passes them. secret_keys: the encrypted ones. Raises
    pulumi.RunError for settings that the provider does not have, for wrong types, and for secrets in plain text.
    """
    known = _types.input_type_types(aws.ProviderArgs)
    found: dict[str, Any] = {}
    for key, value in raw.items():
        if not key.startswith(NAMESPACE) or value == "":
            continue
        name = key.removeprefix(NAMESPACE)
        kind = _kind(known, name, key)
        found[name] = value if kind is str else _decoded(key, value)
        _check(key, found[name], kind)
        token = isinstance(found[name], dict) and "webIdentityToken" in found[name]
        if (name in SECRETS or token) and key not in secret_keys:
            raise pulumi.RunError(f"{key}: is not encrypted; take it out and run pulumi config set --secret {key}")
    for name in ACCOUNTS:
        for number, account in enumerate(found.get(name, ())):
            if not re.fullmatch(r"[0-9]{12}", account):
                raise pulumi.RunError(f"{NAMESPACE}{name}[{number}]: is not an account's id; write its 12 digits")
    roles = [(f"assumeRoles[{number}]", role) for number, role in enumerate(found.get("assumeRoles", ()))]
    for where, role in [*roles, ("assumeRoleWithWebIdentity", found.get("assumeRoleWithWebIdentity"))]:
        if role is not None and not role.get("roleArn"):
            raise pulumi.RunError(f"{NAMESPACE}{where}.roleArn: is missing; write the role's ARN")
    return found


def argument(name: str) -> str:
    """The name of a setting's Python argument."""
    names = _types.input_type_py_to_pulumi_names(aws.ProviderArgs)
    return next(python for python, setting in names.items() if setting == name)


def _kind(known: Mapping[str, Any], name: str, key: str) -> Any:
    """The type of a setting, or of a key inside one. Raises pulumi.RunError if there is none with that name."""
    if name not in known:
        where, close = key.removesuffix(name), get_close_matches(name, known, n=1)
        guess = f"did you mean {where}{close[0]}?" if close else "remove it"
        # In YAML, a token in the wrong place can become a key.
        shown = name if WORD.fullmatch(name) else SECRET
        raise pulumi.RunError(f"{where}{shown}: is not a setting of the AWS provider; {guess}")
    return _types.unwrap_type(known[name])


def _check(key: str, value: Any, kind: Any) -> None:
    """Raises pulumi.RunError if a value does not have the SDK's type."""
    kind = _types.unwrap_type(kind)
    if kind in PLAIN:
        wanted, wrong, instead = PLAIN[kind]
        if type(value) is not wanted or (isinstance(value, int) and abs(value) > MOST):
            raise pulumi.RunError(f"{key}: {wrong}; {instead}")
    elif get_origin(kind) is not None and issubclass(get_origin(kind), Sequence):
        if not isinstance(value, list):
            raise pulumi.RunError(f"{key}: is not a list; {PAGE}")
        for number, element in enumerate(value):
            _check(f"{key}[{number}]", element, get_args(kind)[0])
    elif not isinstance(value, dict):
        raise pulumi.RunError(f"{key}: is not an object; {PAGE}")
    elif _types.is_input_type(kind):
        inside = _types.input_type_types(kind)
        for name, inner in value.items():
            _check(f"{key}.{name}", inner, _kind(inside, name, f"{key}.{name}"))
    else:
        for name, inner in value.items():
            _check(f"{key}.{name}", inner, get_args(kind)[1])


def _decoded(key: str, value: str) -> Any:
    try:
        return from_json(value)
    except RecursionError:
        raise pulumi.RunError(f"{key}: has too many levels of nested lists and objects; {PAGE}") from None
