"""AWS's checks of Systems Manager's documents, which moto does not have (APIReference: CreateDocument)."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.ssm.exceptions import InvalidDocumentContent, SSMException
from moto.ssm.models import Documents, SimpleSystemManagerBackend

from sandbox.cloud.patches.registry import patch

MAX_BYTES = 65536


def _check_content(content: str) -> None:
    """Raises AWS's error for an invalid document."""
    if len(content.encode()) > MAX_BYTES:
        raise SSMException("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    try:
        declared = json.loads(content).get("parameters", {})
    except (json.JSONDecodeError, AttributeError):
        return  # moto refuses it
    for used in re.findall(r"\{\{\s*([\w.:-]+)\s*\}\}", content):
        if used not in declared and not used.startswith(("ssm:", "platformType")):
            raise InvalidDocumentContent(f"Parameter {used} is not declared in the document.")


@patch(SimpleSystemManagerBackend, "create_document", source="d61903e3")
def create_document(original: Any, self: Any, content: str, *arguments: Any, **named: Any) -> Any:
    """AWS: a document has at most 64 KB and no undeclared parameters. moto: accepts any JSON."""
    _check_content(content)
    return original(self, content, *arguments, **named)


@patch(SimpleSystemManagerBackend, "update_document", source="da3c6457")
def update_document(original: Any, self: Any, content: str, *arguments: Any, **named: Any) -> Any:
    """As create_document."""
    _check_content(content)
    return original(self, content, *arguments, **named)


@patch(Documents, "find", source="d98c1856")
def find(original: Any, self: Any, document_version: str | None = None, *arguments: Any, **named: Any) -> Any:
    """AWS: `$DEFAULT` is the default version, as if no version were given. moto: knows only `$LATEST`."""
    return original(self, None if document_version == "$DEFAULT" else document_version, *arguments, **named)
