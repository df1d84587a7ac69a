"""Runs the Pulumi CLI and reads its JSON. Outputs of a half-made stack, or of another program's, can be missing or
malformed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit


class AnswerError(Exception):
    """The CLI failed, or its answer cannot be used; the message says why, and repeats nothing of the answer."""


@contextmanager
def expected_json(failure: Exception) -> Iterator[None]:
    """Read a command's JSON in the block. Raises `failure` when it is not JSON, or not in the expected form.

    The error that Python raised is dropped: it may repeat a secret.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError):
        raise failure from None


def pulumi(*arguments: str) -> str:
    """The output of a Pulumi command. Raises AnswerError with the CLI's own error."""
    try:
        done = subprocess.run(["pulumi", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise AnswerError(f"`pulumi` cannot be run ({error.strerror}): is Pulumi's CLI on the PATH?") from None
    if done.returncode:
        raise AnswerError(done.stderr.strip())
    return done.stdout.strip()


def json_object(text: str) -> dict[str, Any]:
    """The object in a JSON text; an empty one if there is no text, or only `null`. Raises AnswerError for anything
    else."""
    with expected_json(AnswerError("The `pulumi` on the PATH did not print JSON: is it Pulumi's CLI?")):
        found = json.loads(text or "{}")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AnswerError("The `pulumi` on the PATH did not print a JSON object: is it Pulumi's CLI?")
    return found


def stack_names(listed: str) -> set[str]:
    """The names in the output of `pulumi stack ls --json`, without organizations and projects."""
    return {str(each["name"]).rpartition("/")[2] for each in json.loads(listed)}


def text_output(outputs: Mapping[str, Any], name: str) -> str:
    """An output that is text. Raises AnswerError when it is missing, empty or not text."""
    found = outputs.get(name)
    if not isinstance(found, str) or not found:
        raise AnswerError(f"The stack has no usable output {name}: `pulumi up` writes it when it finishes.")
    return found


def web_output(outputs: Mapping[str, Any], name: str) -> tuple[str, int]:
    """Host and port of an output that is an https address. Raises AnswerError when it is not one."""
    try:
        url = urlsplit(text_output(outputs, name))
        host, port = url.hostname, url.port or 443
    except ValueError:
        host = None
    if not host or url.scheme != "https":
        raise AnswerError(f"The stack's output {name} is not an https address: is it a stack of this program?")
    return host, port
