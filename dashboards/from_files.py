"""The dashboards in `imported/`: one JSON file each, written by `make import-dashboard`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.importing.kinds import CORE, OWN_TITLES, OWN_UIDS, SOURCES, SPECIAL, is_old_table
from dashboards.importing.report import ImportingError, is_seen
from dashboards.importing.source import parse

FOLDER = Path(__file__).parent / "imported"
NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?")
"""A file's name without .json. It is also the dashboard's uid, for which Grafana accepts 40 characters."""
LARGEST = 1_000_000
"""Bytes; Pulumi keeps the text in the stack's state."""
LONGEST_TITLE = 5000
"""Characters, from github.com/grafana/grafana, pkg/services/dashboards/errors.go, ErrDashboardTitleTooLong."""
AGAIN = "import it again with make import-dashboard"


@dataclass(frozen=True)
class File:
    """One dashboard. content: its JSON without Grafana's own counters."""

    uid: str
    title: str
    content: str


class BrokenFileError(Exception):
    """Some files cannot be used; the message has one line for each. Nothing has been changed yet."""


def read_all(folder: Path = FOLDER) -> list[File]:
    """Every dashboard in the folder, by name. Raises BrokenFileError with everything that is wrong."""
    files: list[File] = []
    wrong: list[str] = []
    titles = dict.fromkeys(OWN_TITLES, "one of this project's own dashboards")
    for path in sorted(folder.glob("*.json")):
        shown = f"{folder.parent.name}/{folder.name}/{path.name}"
        try:
            found = _checked(path)
        except ValueError as error:
            wrong.append(f"{shown}: {error}")
            continue
        title = found["title"].strip()
        if title in titles:
            wrong.append(f"{shown}: has the title “{title}”, which {titles[title]} has; change its title")
        titles.setdefault(title, path.name)
        content = {key: value for key, value in found.items() if key not in ("id", "version")}
        files.append(File(path.stem, title, json.dumps(content, indent=2, ensure_ascii=False)))
    if wrong:
        count = "1 imported dashboard" if len(wrong) == 1 else f"{len(wrong)} imported dashboards"
        lines = "\n".join(f"  {line}" for line in wrong)
        raise BrokenFileError(f"{count} cannot be used; nothing was changed:\n{lines}")
    return files


def _checked(path: Path) -> dict[str, Any]:
    """The dashboard in the file. Raises ValueError with the first mistake and what to do."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"has more than {LARGEST // 1000} kB; remove panels from it")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"is not JSON; {AGAIN}") from None
    try:
        return check(parse(text, path.name), path.stem)
    except ImportingError as error:
        raise ValueError(str(error).removeprefix(f"{path.name}: ")) from None


def check(found: Any, name: str) -> dict[str, Any]:
    """The dashboard, if Grafana can show it under this name. Raises ValueError with what is wrong."""
    try:
        return _shown(found, name)
    except RecursionError:
        raise ValueError(f"is nested too deeply for a dashboard; {AGAIN}") from None


def _shown(found: Any, name: str) -> dict[str, Any]:
    if not NAME.fullmatch(name):
        raise ValueError(
            "its name must be up to 40 lowercase letters, digits and dashes; rename it, and its uid with it"
        )
    if name in OWN_UIDS:
        raise ValueError("is the uid of one of this project's own dashboards; rename the file, and its uid with it")
    if not isinstance(found, dict) or not isinstance(found.get("panels"), list):
        raise ValueError(f"is not a dashboard with panels; {AGAIN}")
    if found.get("uid") != name:
        raise ValueError(f"has the uid {json.dumps(found.get('uid'))}; write {name}, the name of the file")
    if not isinstance(found.get("title"), str) or not found["title"].strip():
        raise ValueError("has no title; write one")
    if not is_seen(found["title"]):
        raise ValueError("has a title of only invisible characters; write one")
    if len(found["title"]) > LONGEST_TITLE:
        raise ValueError(
            f"has a title of more than {LONGEST_TITLE} characters, which Grafana refuses; write a shorter one"
        )
    if "__inputs" in found or "${DS_" in json.dumps(found):
        raise ValueError(f"has datasources that are still to be chosen (__inputs, ${{DS_…}}); {AGAIN}")
    for panel in _panels(found["panels"]):
        if str(panel.get("type")) not in CORE or is_old_table(panel):
            raise ValueError(f"has a panel of type {panel.get('type')}, which Grafana does not have; {AGAIN}")
    foreign = {uid for uid in _datasources(found) if uid not in SOURCES and uid not in SPECIAL}
    if foreign:
        raise ValueError(f"uses the datasource {min(foreign)}; this stack has {' and '.join(SOURCES)}: {AGAIN}")
    return found


def _panels(panels: list[Any]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        if not isinstance(panel, dict):
            raise ValueError(f"has a panel that is not an object; {AGAIN}")
        yield panel
        inner = panel.get("panels") or []
        if not isinstance(inner, list):
            raise ValueError(f"has a row whose panels are not a list; {AGAIN}")
        yield from _panels(inner)


def _datasources(value: Any) -> Iterator[str]:
    """Every datasource named anywhere in the dashboard, by uid or by name."""
    if isinstance(value, list):
        for each in value:
            yield from _datasources(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "datasource" and isinstance(inner, dict):
                yield str(inner.get("uid"))
            elif key == "datasource" and isinstance(inner, str):
                yield inner
            else:
                yield from _datasources(inner)
