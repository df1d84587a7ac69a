"""The secrets of a stack, so that none of them gets into a log or a comment: Pulumi hides them, and this does again.

Pulumi knows a secret by where it is used. Where a program or a provider put one into a message, or a part of one, it
does not; so what leaves a workflow is searched for every value that the stack keeps secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from delivery.errors import understood

SHOWN = "[secret]"
SHORTEST = 8
"""Characters: shorter ones (`true`, a port) occur everywhere, and would blot out what is no secret."""
SHORTEST_LINE = 20


class Redactor:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: a secret may be part of another.
        self._secrets = sorted({each for secret in secrets for each in _forms(secret)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, SHOWN)
        return text


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may stand in a text: whole, as JSON writes it, and each line of a private key.

    Of other long ones (a host's configuration with a password in it) the lines are not secret by themselves.
    """
    if len(secret) < SHORTEST:
        return
    yield secret
    yield json.dumps(secret)[1:-1]
    if "PRIVATE KEY" in secret:
        yield from (line for line in secret.splitlines() if len(line) >= SHORTEST_LINE and "-----" not in line)


def of_stack(ask: Callable[..., str], settings: Any) -> set[str]:
    """Every secret of a stack: encrypted settings, and what its state keeps secret.

    ask: runs a pulumi command and returns what it printed, without showing it. settings: the stack's own, encrypted
    ones as they are in the file, which says what in an object is no secret.
    """
    configured, exported = ask("config", "--show-secrets", "--json"), ask("stack", "export", "--show-secrets")
    found: set[str] = set()
    with understood("pulumi config --show-secrets --json"):
        for key, entry in json.loads(configured).items():
            value = entry.get("objectValue", entry.get("value"))
            found |= set(_encrypted(settings.get(key), value))
    with understood("pulumi stack export --show-secrets"):
        found |= set(_enveloped(json.loads(exported)["deployment"]))
    # A secret as a whole (the connection to a host) has parts that anybody may read in the settings.
    return found - set(_strings(settings))


def _encrypted(written: Any, value: Any) -> Iterator[str]:
    """The values whose places in the settings file are encrypted."""
    if isinstance(written, dict) and "secure" in written:
        yield from _strings(value)
    elif isinstance(written, dict) and isinstance(value, dict):
        for key, part in written.items():
            yield from _encrypted(part, value.get(key))
    elif isinstance(written, list) and isinstance(value, list):
        for part, each in zip(written, value, strict=False):
            yield from _encrypted(part, each)


def _enveloped(tree: Any) -> Iterator[str]:
    """The texts in the envelopes in which `stack export --show-secrets` hands out secrets."""
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
