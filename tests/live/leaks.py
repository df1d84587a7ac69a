"""Searches for the stack's secrets in what people can read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from tests.live.environment import Environment


def parameters(environment: Environment) -> dict[str, str]:
    """Every secret in Parameter Store, by name."""
    return {
        parameter["Name"]: parameter["Value"]
        for page in environment.aws("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path="/monitoring", Recursive=True, WithDecryption=True)
        for parameter in page["Parameters"]
        # The CA's certificate is not a secret but an output for everyone to read. Nor are the server's files secret.
        if parameter["Type"] == "SecureString" and not parameter["Name"].endswith("certificate")
    }


def needles(value: str) -> list[str]:
    """What to look for: the secret itself, and for a private key also the lines that contain its private number.

    (The other lines of a key's file contain its public half, which is in the certificates for anyone to read.)
    """
    lines = [line for line in value.splitlines() if "-----" not in line]
    if "BEGIN OPENSSH PRIVATE KEY" in value:
        return [value, *lines[-2:-1]]
    return [value, *lines[:2]] if "PRIVATE KEY" in value else [value]


def state_secrets(exported: object) -> dict[str, str]:
    """Every secret in a state that was exported with `--show-secrets`, by number."""
    return {f"state {number}": value for number, value in enumerate(_secret_values(exported))}


def searchable(secrets: dict[str, str], public: set[str]) -> dict[str, str]:
    """The secrets that can be searched for. Left out are values that are public although they are part of a secret
    object, and values so short (numbers and booleans that a provider marks as secret) that they occur by chance."""
    return {name: value for name, value in secrets.items() if len(value) >= 12 and value not in public}


def _secret_values(tree: object) -> Iterator[str]:
    """The strings inside Pulumi's secret envelopes."""
    if isinstance(tree, dict):
        if "plaintext" in tree:
            yield from _strings(json.loads(tree["plaintext"]))
        else:
            for value in tree.values():
                yield from _secret_values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _secret_values(value)


def _strings(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


def leaks(secrets: dict[str, str], text: str) -> list[str]:
    """The names of the secrets that occur in a text, in plain text or in base64."""
    found = []
    for name, value in secrets.items():
        wanted = needles(value)
        encoded = [base64.b64encode(needle.encode()).decode() for needle in wanted]
        if any(needle in text for needle in (*wanted, *encoded)):
            found.append(name)
    return found
