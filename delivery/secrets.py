"""Keeps a stack's secrets out of logs and comments, in addition to Pulumi.

Pulumi recognizes a secret by where it is used, but not one that a program or a provider puts into a message, whole or
in part. So what leaves a workflow is searched for every value that the stack keeps secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from delivery.errors import json_from

SHOWN = "[secret]"
SHORTEST = 8
"""Characters: shorter ones (`true`, a port) occur everywhere, so text that is not secret would be hidden."""
SHORTEST_LINE = 20


class Redactor:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: a secret can be part of another.
        self._secrets = sorted({each for secret in secrets for each in _forms(secret)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, SHOWN)
        return text


def _forms(secret: str) -> Iterator[str]:
    """The forms in which a secret can occur in a text: whole, escaped for JSON, and each line of a private key.

    Lines of other long secrets (a host's configuration with a password in it) are not secret by themselves.
    """
    if len(secret) < SHORTEST:
        return
    yield secret
    yield json.dumps(secret)[1:-1]
    if "PRIVATE KEY" in secret:
        yield from (line for line in secret.splitlines() if len(line) >= SHORTEST_LINE and "-----" not in line)


def of_stack(ask: Callable[..., str], settings: Any) -> set[str]:
    """Every secret of a stack: its encrypted settings, and what its state keeps secret.

    ask: runs a pulumi command and returns its output, without showing it. settings: as the stack's file has them, so
    that it is known which parts of an object are encrypted.
    """
    configured, exported = ask("config", "--show-secrets", "--json"), ask("stack", "export", "--show-secrets")
    found: set[str] = set()
    with json_from("pulumi config --show-secrets --json"):
        for key, entry in json.loads(configured).items():
            value = entry.get("objectValue", entry.get("value"))
            found |= set(_encrypted(settings.get(key), value))
    with json_from("pulumi stack export --show-secrets"):
        found |= set(_enveloped(json.loads(exported)["deployment"]))
    # Parts of a secret object (the connection to a host) stand in the settings as plain text.
    return found - set(_strings(settings))


def _encrypted(written: Any, value: Any) -> Iterator[str]:
    """The values that are encrypted in the settings file."""
    if isinstance(written, dict) and "secure" in written:
        yield from _strings(value)
    elif isinstance(written, dict) and isinstance(value, dict):
        for key, part in written.items():
            yield from _encrypted(part, value.get(key))
    elif isinstance(written, list) and isinstance(value, list):
        for part, each in zip(written, value, strict=False):
            yield from _encrypted(part, each)


def _enveloped(tree: Any) -> Iterator[str]:
    """The texts in the envelopes in which `stack export --show-secrets` returns secrets."""
    if isinstance(tree, dict) and "plaintext" in tree:
        yield from _strings(json.loads(tree["plaintext"]))
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _enveloped(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _enveloped(part)


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _strings(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _strings(part)
