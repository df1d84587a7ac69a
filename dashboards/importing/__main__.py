"""`python -m dashboards.importing FROM [--name NAME] [--force] [--skip]`: what `make import-dashboard` runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dashboards.from_files import FOLDER, LARGEST
from dashboards.importing.conversion import Imported, convert
from dashboards.importing.kinds import OWN_TITLES
from dashboards.importing.report import ImportingError, plain
from dashboards.importing.source import GRAFANA_COM, read
from tools.command import run


def import_dashboard(
    wanted: str,
    name: str = "",
    *,
    force: bool = False,
    skip: bool = False,
    folder: Path = FOLDER,
    site: str = GRAFANA_COM,
) -> str:
    """Import one dashboard into the folder, and return what to print.

    wanted: an id on grafana.com, or a file. force: whether a different file of the same name may be overwritten.
    skip: whether panels and variables that cannot be imported are left out.
    Raises ImportingError, in which case nothing is written.
    """
    found = convert(read(wanted, site), wanted, name, skip=skip, there={path.stem for path in folder.glob("*.json")})
    found = found.among(OWN_TITLES | _titles(folder, found.name))
    target = folder / f"{found.name}.json"
    content = json.dumps(found.dashboard, indent=2, ensure_ascii=False) + "\n"
    if len(content.encode()) > LARGEST:
        raise ImportingError(f"{wanted}: has more than {LARGEST // 1000} kB; remove panels from it")
    shown = f"{folder.parent.name}/{folder.name}/{target.name}"
    before = target.read_text(encoding="utf-8") if target.exists() else None
    if before not in (None, content) and not force:
        raise ImportingError(f"{shown} already exists and differs: write another NAME=, or FORCE=1 to overwrite it")
    folder.mkdir(exist_ok=True)
    target.write_text(content, encoding="utf-8")
    return _summary(found, shown, unchanged=before == content)


def _titles(folder: Path, except_for: str) -> frozenset[str]:
    """The titles of the other imported dashboards, as far as they can be read."""
    found = set()
    for path in folder.glob("*.json"):
        try:
            title = json.loads(path.read_text(encoding="utf-8"))["title"]
        except (ValueError, KeyError, TypeError):
            continue  # the next `pulumi up` reports a broken file
        if path.stem != except_for and isinstance(title, str):
            found.add(title.strip())
    return frozenset(found)


def _summary(found: Imported, shown: str, *, unchanged: bool) -> str:
    first = (
        f"{shown} is unchanged."
        if unchanged
        else f"Imported “{plain(found.dashboard['title'])}” as {shown}; its address will be /d/{found.name}."
    )
    lines = [first, *(f"  - {line}" for line in found.report.sentences())]
    warnings = found.report.warned()
    if warnings:
        lines += ["Please check:", *(f"  ! {warning}" for warning in warnings)]
    return "\n".join([*lines, "Next: pulumi preview, then pulumi up. To remove it again, delete the file."])


def main(arguments: list[str]) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="make import-dashboard", description=__doc__)
    parser.add_argument("wanted", metavar="FROM", help="an id on grafana.com, or the path of a dashboard's JSON file")
    parser.add_argument(
        "--name", default="", help="the file's name and the dashboard's uid; by default derived from its title"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a different file of that name")
    parser.add_argument("--skip", action="store_true", help="leave out what cannot be imported")
    given = parser.parse_args(arguments)
    try:
        summary = import_dashboard(given.wanted, given.name, force=given.force, skip=given.skip)
    except (ImportingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(summary)
    return 0


if __name__ == "__main__":
    run(main)
