"""Hosts that are listed in a file of their own, YAML or CSV, next to those of the setting `hosts`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, SecretStr

from settings import ssh_keys
from settings import values as v
from settings.core_yaml import CoreLoader
from settings.mistakes import WrongValueError, quoted
from settings.part import Part

LARGEST = 1_000_000
"""Bytes. 500 hosts have a fifth of it."""
COLUMNS = ("name", "address", "port", "user", "hostKey", "unreachable")
TAG = "tags."


class HostsFile(Part):
    """path: from the folder with __main__.py. private_key: of the users on those hosts; without it, the SSH agent is
    used. The file itself has no secrets."""

    path: Annotated[
        str,
        v.matching(
            r"(?=.{1,200}$)(?!.*(^|/)\.\.?/)/?([A-Za-z0-9_.-]+/)*[A-Za-z0-9_.-]+\.(ya?ml|csv)",
            "is not the path of a YAML or CSV file",
            "write it as hosts.yaml or hosts/office.csv",
        ),
    ]
    private_key: Annotated[SecretStr, BeforeValidator(ssh_keys.private_key)] | None = None


@dataclass(frozen=True)
class Listed:
    """A host as the file lists it, and the line on which it begins."""

    line: int
    host: Any


def read(path: str) -> list[Listed]:
    """The hosts of a file. Raises WrongValueError when it cannot be read, or is no list of hosts."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise WrongValueError(f"cannot be read: {error.strerror}", "write the path of a file in the project") from None
    if len(content) > LARGEST:
        raise WrongValueError("is larger than 1 MB", "list at most 500 hosts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongValueError("is not UTF-8", "save it in that encoding") from None
    listed = list(_csv(text) if path.endswith(".csv") else _yaml(text))
    if not listed:  # It would take the agents off all hosts.
        raise WrongValueError("lists no hosts", "leave hostsFile out if that is meant")
    return listed


def _yaml(text: str) -> Iterator[Listed]:
    example = "write a list, each `- name: …` with a host's keys below"
    try:
        loader = CoreLoader(text)
        node = loader.get_single_node()
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise WrongValueError("is not a list of hosts", example)
        for entry in node.value:
            _once(entry)
            yield Listed(entry.start_mark.line + 1, loader.construct_document(entry))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise WrongValueError(f"is not valid YAML{where}", example) from None
    except RecursionError:
        raise WrongValueError("has too many levels of nested lists and objects", example) from None


def _once(node: yaml.Node) -> None:
    """YAML's mappings have each key once; PyYAML takes the last of several."""
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if repr(key.value) in keys:
                wrong = f"has {{key}} twice, again at line {key.start_mark.line + 1}"
                raise WrongValueError(wrong, "write each once", key=quoted(str(key.value)))
            keys.add(repr(key.value))
            _once(value)


def _csv(text: str) -> Iterator[Listed]:
    """RFC 4180; the first line names the columns."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [column.strip() for column in next(lines, [])]
        for column in columns:
            if column not in COLUMNS and not (column.startswith(TAG) and column != TAG):
                known = f"the columns are {', '.join(COLUMNS)} and {TAG}NAME, separated by commas"
                raise WrongValueError("has the column {column} in its first line", known, column=quoted(column))
            if columns.count(column) > 1:
                raise WrongValueError("has the column {column} twice", "name each once", column=quoted(column))
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
    """An empty cell is a key that is left out."""
    host: dict[str, Any] = {name: cell for name, cell in cells.items() if cell and not name.startswith(TAG)}
    tags = {name.removeprefix(TAG): cell for name, cell in cells.items() if cell and name.startswith(TAG)}
    return host | ({"tags": tags} if tags else {})
