"""Which stacks a change affects."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from delivery import stacks
from delivery.errors import DeliveryError
from delivery.stacks import NO_COMMIT, Changed, concerned
from tests.delivery.conftest import git

CHECKOUT = Path(__file__).resolve().parents[2]
BOTH = ["dev", "prod"]


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["Pulumi.dev.yaml"], ["dev"]),
        (["Pulumi.yaml"], BOTH),
        (["dashboards/linux_hosts.py", "docs/alerts.md"], BOTH),
        (["userdata/boot.sh"], BOTH),
        (["tools/waiting.py"], BOTH),
        (["requirements.txt"], BOTH),
        (["docs/alerts.md", "tests/settings/test_settings.py", "sandbox/place.py", "README.md"], []),
        (["Pulumi.sandbox.yaml", "Pulumi.pull-request.yaml"], []),
        (["docs/Pulumi.dev.yaml", "toolshed/x.py"], []),
    ],
)
def test_a_settings_file_concerns_its_stack_and_the_program_concerns_all(paths: list[str], found: list[str]) -> None:
    assert concerned(paths, BOTH) == Changed(found, [])


def test_a_deleted_settings_file_is_noticed() -> None:
    assert concerned(["Pulumi.old.yaml"], BOTH) == Changed([], ["old"])


def test_the_program_includes_every_folder_that_it_imports() -> None:
    """The program consists of every folder from which it imports a module, or from which Pulumi runs a command."""
    seen: set[Path] = set()
    todo = [CHECKOUT / "__main__.py"]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names += [f"{node.module}.{each.name}" for each in node.names]
            for name in names:
                base = CHECKOUT.joinpath(*name.split("."))
                todo += [file for file in (base.with_suffix(".py"), base / "__init__.py") if file.exists()]
    folders = {path.relative_to(CHECKOUT).parts[0] for path in seen if path.parent != CHECKOUT}
    assert len(folders) > 4
    assert {f"{folder}/" for folder in folders} <= set(stacks.PROGRAM)
    assert "python -m tools." in (CHECKOUT / "program/gate.py").read_text()
    assert "tools/" in stacks.PROGRAM


def test_the_stacks_of_this_repository() -> None:
    assert stacks.names(CHECKOUT) == BOTH
    assert not stacks.protected(CHECKOUT, "dev")
    assert stacks.protected(CHECKOUT, "prod")


@pytest.mark.parametrize(
    ("written", "protected"),
    [("false", False), ('"false"', False), ("true", True), ('"true"', True), ("no-way", True), ("", True)],
)
def test_protect_is_read_as_the_program_reads_it(tmp_path: Path, written: str, protected: bool) -> None:
    """`pulumi config set monitoring:protect false` writes it in quotes."""
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  monitoring:protect: {written}\n")
    assert stacks.protected(tmp_path, "dev") is protected


def test_an_unknown_stack_is_one_sentence() -> None:
    with pytest.raises(
        DeliveryError, match=r"There is no stack test: Pulumi.test.yaml does not exist. The stacks are: dev, prod"
    ):
        stacks.settings(CHECKOUT, "test")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two stacks, committed; then main and a branch diverge."""

    def commit(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-m", name)

    git(tmp_path, "init", "--initial-branch=main")
    commit("Pulumi.dev.yaml", "config: {}")
    commit("Pulumi.prod.yaml", "config: {monitoring:retention: 7d}")
    git(tmp_path, "branch", "base")
    commit("Pulumi.dev.yaml", "config: {a:b: meanwhile on main}")
    git(tmp_path, "tag", "main-now")
    git(tmp_path, "checkout", "-b", "change", "base")
    commit("Pulumi.prod.yaml", "config: {monitoring:retention: 8d}")
    return tmp_path


def test_only_changes_on_the_branch_count(repository: Path) -> None:
    assert stacks.changed(repository, "main-now") == Changed(["prod"], [])
    assert stacks.changed(repository, "HEAD") == Changed([], [])


@pytest.mark.parametrize("base", [NO_COMMIT, "f" * 40])
def test_without_a_commit_to_compare_with_all_are_concerned(repository: Path, base: str) -> None:
    assert stacks.changed(repository, base) == Changed(BOTH, [])


def test_the_settings_before_the_change_are_read(repository: Path) -> None:
    assert stacks.file_before(repository, "main-now", "prod") == "config: {monitoring:retention: 7d}"
    assert stacks.file_before(repository, "main-now", "new") is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "Pulumi.dev.yaml is not UTF-8"),
        (b"config: [", "Pulumi.dev.yaml is not valid YAML at line 1"),
        (b"[a]", "Pulumi.dev.yaml has no settings below `config:`"),
        (b"config: [a]", "Pulumi.dev.yaml has no settings below `config:`"),
    ],
)
def test_an_unusable_settings_file_is_reported_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_bytes(content)
    with pytest.raises(DeliveryError, match=re.escape(says)):
        stacks.settings(tmp_path, "dev")


def test_a_branch_that_has_nothing_in_common_with_main_is_refused(repository: Path) -> None:
    for arguments in (["checkout", "--orphan", "other"], ["commit", "--allow-empty", "-m", "other"]):
        git(repository, *arguments)
    with pytest.raises(DeliveryError, match=r"git cannot compare main-now with this commit: .*no merge base"):
        stacks.changed(repository, "main-now")
