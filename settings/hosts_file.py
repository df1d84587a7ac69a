"""Hosts listed in a file, YAML or CSV, in addition to those of the setting `hosts`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, SecretStr

from settings import ssh_keys
from settings import values as v
from settings.core_yaml import BrokenYamlError, composed, constructed
from settings.mistakes import WrongValueError, named
from settings.part import Part

LARGEST = 1_000_000
"""Bytes. 500 hosts take a fifth of that."""
COLUMNS = ("name", "address", "port", "user", "hostKey", "unreachable")
TAG = "tags."


class HostsFile(Part):
    """path: relative to the folder with __main__.py. private_key: of the users on those hosts; without it, the SSH
    agent is used. The file itself has no secrets."""

    path: Annotated[
        str,
        v.matching(
            r"(?=.{1,200}$)(?!.*(^|/)\.\.?/)/?([A-Za-z0-9_.-]+/)*[A-Za-z0-9_.-]+\.(ya?ml|csv)",
            "is not the path of a YAML or CSV file",
            "write it as hosts.yaml or hosts/office.csv, in letters, digits and . _ - /",
        ),
    ]
    private_key: Annotated[SecretStr, BeforeValidator(ssh_keys.private_key)] | None = None


EXAMPLE = "write a list, each `- name: …` with a host's keys below"


@dataclass(frozen=True)
class Listed:
    """A host as the file lists it, and the line on which it begins."""

    line: int
    host: Any


def read(path: str) -> list[Listed]:
    """The hosts of a file. Raises WrongValueError if it cannot be read, or is not a list of hosts."""
    try:
        if not Path(path).is_file() and Path(path).exists():  # reading a pipe or a device might never end
            raise WrongValueError("is not a file", "write the path of a file in the project")
        if Path(path).stat().st_size > LARGEST:
            raise WrongValueError("is larger than 1 MB", "list at most 500 hosts")
        content = Path(path).read_bytes()
    except OSError as error:
        raise WrongValueError(f"cannot be read: {error.strerror}", "write the path of a file in the project") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongValueError("is not UTF-8", "save it in that encoding") from None
    listed = list(_csv(text) if path.endswith(".csv") else _yaml(text))
    if not listed:  # It would remove the agents from all hosts.
        raise WrongValueError("lists no hosts", "leave hostsFile out if that is intended")
    return listed


def _yaml(text: str) -> Iterator[Listed]:
    try:
        loader, node = composed(text)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise WrongValueError("is not a list of hosts", EXAMPLE)
        for entry in node.value:
            yield Listed(entry.start_mark.line + 1, constructed(loader, entry))
    except BrokenYamlError as error:
        raise WrongValueError(error.wrong, error.instead or EXAMPLE) from None


def _csv(text: str) -> Iterator[Listed]:
    """RFC 4180; the first line names the columns."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        first = next((cells for cells in lines if any(cell.strip() for cell in cells)), [])
        columns: list[str] = []
        for column in (cell.strip() for cell in first):
            if column not in COLUMNS and not (column.startswith(TAG) and column != TAG):
                known = f"the columns are {', '.join(COLUMNS)} and {TAG}NAME, separated by commas"
                raise WrongValueError(f"has the column {named(column)} in its first line", known)
            columns.append(column)
        if twice := [column for column, count in Counter(columns).items() if count > 1]:
            raise WrongValueError(f"has the column {named(twice[0])} twice", "name each once")
        before = lines.line_num
        for cells in lines:
            line, before = before + 1, lines.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                wrong = f"has {len(cells)} columns instead of {len(columns)} at line {line}"
                raise WrongValueError(wrong, "put cells with commas in double quotes")
            yield Listed(line, _host(dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    except csv.Error:
        wrong = f"is not valid CSV at line {lines.line_num}"
        raise WrongValueError(wrong, "put cells with commas or quotes in double quotes") from None


def _host(cells: dict[str, str]) -> dict[str, Any]:
    """A host from its cells: an empty cell leaves the key out, and spreadsheets write TRUE for true."""
    host: dict[str, Any] = {name: cell for name, cell in cells.items() if cell and not name.startswith(TAG)}
    if "unreachable" in host:
        host["unreachable"] = host["unreachable"].lower()
    tags = {name.removeprefix(TAG): cell for name, cell in cells.items() if cell and name.startswith(TAG)}
    return host | ({"tags": tags} if tags else {})
