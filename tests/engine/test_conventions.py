"""What people who know Pulumi expect: a preview of what changes and nothing else, a template for `pulumi new`."""

from __future__ import annotations

import re
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from settings import SettingsError
from tests.engine.product import PROGRAM, WITHOUT_THE_GATE, Product
from tools import stack_file

pytestmark = pytest.mark.slow


def difference(mine: Product) -> str:
    """What `pulumi preview --diff` shows for a stack that is up."""
    return mine.run("preview", "--diff", "--stack", mine.stack, *WITHOUT_THE_GATE)


def updated(shown: str) -> set[str]:
    """The parameters that a difference names, without their path."""
    return set(re.findall(r"\[id=/monitoring/\S+/([^/\]]+)\]", shown))


def test_a_preview_of_what_is_up_shows_nothing(mine: Product) -> None:
    shown = difference(mine)
    assert not [line for line in shown.splitlines() if re.match(r"\s*(\+|-|~|\+-|<|>) ?\w", line)], shown
    assert re.search(r"Resources:\n +[0-9]+ unchanged\n", shown)
    assert "warning" not in shown.lower()


def test_a_changed_setting_shows_what_follows_from_it(mine: Product) -> None:
    mine.configure(retention="8d", rootVolumeSize=25)
    shown = difference(mine)
    assert re.search(r"\n +- RETENTION=7d\n +\+ RETENTION=8d\n", shown)
    # The file with the setting, and the list of all files' versions, for which the gate is passed again.
    assert updated(shown) == {"server.conf", "revision"}
    # And the server in place.
    assert "~ 3 to update\n" in shown
    assert "replace" not in shown
    # By default the steps of five minutes are kept for twelve times as long.
    changed = re.findall(r"^ +[-+] (?!#)(\w+)=", shown, re.MULTILINE)
    assert changed == [name for name in ("RETENTION", "ROLLUP_RETENTION", "ROLLUP") for _ in "-+"], shown


def test_new_passwords_are_not_a_preview_of_every_file(mine: Product) -> None:
    mine.configure(passwordGeneration=2)
    shown = difference(mine)
    assert updated(shown) == {
        *("grafana-admin-password", "grafana-automation-password"),
        *("influxdb-grafana-password", "influxdb-telegraf-password"),
        *("server.conf", "telegraf.conf", "revision"),
    }
    assert shown.count("~ value: [secret] => [secret]") == 4


def test_about_has_nothing_to_warn_about(mine: Product) -> None:
    said = mine.run("about", "--stack", mine.stack)
    assert "warning" not in said.lower()
    assert re.search(r"^resource +aws +7\.", said, re.MULTILINE)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The repository as `pulumi new` finds it: what is committed, and what is about to be."""
    folder = tmp_path / "template"
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROGRAM,
        capture_output=True,
        check=True,
    )
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in filter(None, listed.stdout.decode().split("\0")):
            if not name.startswith(("tests/", "sandbox/")) and (PROGRAM / name).exists():
                tar.add(PROGRAM / name, name)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_a_project_made_from_the_template_has_settings_the_program_takes(
    mine: Product, template: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine"
    answers = [
        *("-c", "aws:region=eu-west-1", "-c", 'monitoring:operatorCidrs=["203.0.113.7/32"]'),
        *("-c", 'monitoring:agentCidrs=["203.0.113.0/24"]'),
    ]
    where = ["--dir", str(target), "--name", "monitoring", "--description", "Mine", "--stack", "first"]
    # Without installing anything: the packages are another test's concern.
    said = mine.run("new", str(template), "--yes", "--force", "--generate-only", *where, *answers)
    assert (target / "__main__.py").exists(), said
    project = yaml.safe_load((target / "Pulumi.yaml").read_text())
    assert project["name"] == "monitoring"
    assert project["config"]["instanceType"]["default"] == "t4g.small"


def test_what_the_template_asks_for_is_all_that_is_required() -> None:
    """`pulumi config set` writes the answers as text, lists included."""
    asked = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["template"]["config"]
    answers = {
        "aws:region": "eu-west-1",
        "monitoring:operatorCidrs": '["203.0.113.7/32"]',
        "monitoring:agentCidrs": '["203.0.113.0/24"]',
    }
    assert set(asked) == set(answers)
    settings, _ = stack_file.StackFile("first", answers, ()).settings()
    assert settings.region == "eu-west-1"
    assert [*map(str, settings.operator_cidrs)] == ["203.0.113.7/32"]
    for left_out in answers:
        rest = {key: value for key, value in answers.items() if key != left_out}
        with pytest.raises(SettingsError, match=left_out):
            stack_file.StackFile("first", rest, ()).settings()
