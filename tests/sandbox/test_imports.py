"""sandbox has no import cycles, neither at the top of modules nor inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sandbox

FOLDER = Path(sandbox.__file__).parent


def modules(folder: Path) -> dict[str, Path]:
    """Every module below a package's folder by its full name."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> Iterator[str]:
    """The names of the modules, or of the objects in them, that a module imports when it runs."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{each.name}" for each in node.names)


def import_cycle(folder: Path) -> list[str]:
    """The modules of an import cycle; empty if there is none."""
    known = modules(folder)
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = set(imported(name, path))
        graph[name] = {each if each in known else each.rpartition(".")[0] for each in wanted} & set(known) - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_sandbox_has_no_import_cycle() -> None:
    assert import_cycle(FOLDER) == []


def test_a_cycle_through_an_import_inside_a_function_is_found(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from .two import b\n")
    (package / "two.py").write_text("def b():\n    from . import one\n")
    assert set(import_cycle(package)) == {"package.one", "package.two"}
