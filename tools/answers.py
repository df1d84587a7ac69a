"""What the Pulumi CLI answers in JSON, and a stack's outputs: of a half-made stack, or of another program's, some are
missing or of another kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


class AnswerError(Exception):
    """An answer that cannot be used; the message says why, and repeats nothing of it."""


def an_object(text: str) -> dict[str, Any]:
    """The object in a JSON text; an empty one for none. Raises AnswerError for anything else."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise AnswerError("Pulumi's answer is not JSON: is the `pulumi` on PATH Pulumi's CLI?") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AnswerError("Pulumi's answer is not an object: is the `pulumi` on PATH Pulumi's CLI?")
    return found


def text_output(outputs: Mapping[str, Any], name: str) -> str:
    """An output that is text. Raises AnswerError when it is missing, or something else."""
    found = outputs.get(name)
    if not isinstance(found, str) or not found:
        raise AnswerError(f"The stack has no usable output {name}: `pulumi up` writes it at its end.")
    return found


def web_output(outputs: Mapping[str, Any], name: str) -> tuple[str, int]:
    """Host and port of an output that is an https address. Raises AnswerError when it is none."""
    try:
        url = urlsplit(text_output(outputs, name))
        host, port = url.hostname, url.port or 443
    except ValueError:
        host = None
    if not host or url.scheme != "https":
        raise AnswerError(f"The stack's output {name} is not an https address: is it a stack of this program?")
    return host, port
