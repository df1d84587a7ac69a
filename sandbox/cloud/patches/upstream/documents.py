"""Systems Manager's documents: moto has them without AWS's checks (APIReference: CreateDocument)."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.ssm.exceptions import InvalidDocumentContent, SSMException
from moto.ssm.models import Documents, SimpleSystemManagerBackend

from sandbox.cloud.patches.registry import patch

LONGEST = 65536


def _check_content(content: str) -> None:
    """Raises what AWS answers to a document that cannot be."""
    if len(content.encode()) > LONGEST:
        raise SSMException("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    try:
        declared = json.loads(content).get("parameters", {})
    except (json.JSONDecodeError, AttributeError):
        return  # moto says so itself
    for used in re.findall(r"\{\{\s*([\w.:-]+)\s*\}\}", content):
        if used not in declared and not used.startswith(("ssm:", "platformType")):
            raise InvalidDocumentContent(f"Parameter {used} is not declared in the document.")


@patch(SimpleSystemManagerBackend, "create_document", source="d61903e3")
def create_document(original: Any, self: Any, content: str, *arguments: Any, **named: Any) -> Any:
    """AWS: at most 64 KB, and no parameters that are not declared. moto: anything that is JSON."""
    _check_content(content)
    return original(self, content, *arguments, **named)


@patch(SimpleSystemManagerBackend, "update_document", source="da3c6457")
def update_document(original: Any, self: Any, content: str, *arguments: Any, **named: Any) -> Any:
    """As create_document."""
    _check_content(content)
    return original(self, content, *arguments, **named)


@patch(Documents, "find", source="d98c1856")
def find(original: Any, self: Any, document_version: str | None = None, *arguments: Any, **named: Any) -> Any:
    """AWS: `$DEFAULT` is the default version, as no version is. moto: knows `$LATEST` only."""
    return original(self, None if document_version == "$DEFAULT" else document_version, *arguments, **named)
