"""What people who know Pulumi expect: a preview that shows only what changes, and a template for `pulumi new`."""

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


def difference(product: Product) -> str:
    """What `pulumi preview --diff` shows for a stack that is up."""
    return product.run("preview", "--diff", "--stack", product.stack, *WITHOUT_THE_GATE)


def updated(shown: str) -> set[str]:
    """The names of the parameters in a diff, without their path."""
    return set(re.findall(r"\[id=/monitoring/\S+/([^/\]]+)\]", shown))


def test_a_preview_without_a_change_shows_nothing(product: Product) -> None:
    shown = difference(product)
    assert not [line for line in shown.splitlines() if re.match(r"\s*(\+|-|~|\+-|<|>) ?\w", line)], shown
    assert re.search(r"Resources:\n +[0-9]+ unchanged\n", shown)
    assert "warning" not in shown.lower()


def test_a_changed_setting_shows_only_its_consequences(product: Product) -> None:
    product.configure(retention="8d", rootVolumeSize=25)
    shown = difference(product)
    assert re.search(r"\n +- RETENTION=7d\n +\+ RETENTION=8d\n", shown)
    # The file with the setting, and the list of all files' versions, which makes the gate run again.
    assert updated(shown) == {"server.conf", "revision"}
    # Besides these two, the server is updated in place.
    assert "~ 3 to update\n" in shown
    assert "replace" not in shown
    # By default, 5-minute steps are kept twelve times as long.
    changed = re.findall(r"^ +[-+] (?!#)(\w+)=", shown, re.MULTILINE)
    assert changed == [name for name in ("RETENTION", "ROLLUP_RETENTION", "ROLLUP") for _ in "-+"], shown


def test_new_passwords_change_only_their_own_parameters(product: Product) -> None:
    product.configure(passwordGeneration=2)
    shown = difference(product)
    assert updated(shown) == {
        *("grafana-admin-password", "grafana-automation-password"),
        *("influxdb-grafana-password", "influxdb-telegraf-password"),
        *("server.conf", "telegraf.conf", "revision"),
    }
    assert shown.count("~ value: [secret] => [secret]") == 4


def test_pulumi_about_has_no_warnings(product: Product) -> None:
    said = product.run("about", "--stack", product.stack)
    assert "warning" not in said.lower()
    assert re.search(r"^resource +aws +7\.", said, re.MULTILINE)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The repository as `pulumi new` would find it once the current changes are committed."""
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


def test_pulumi_new_makes_a_project_from_the_repository(product: Product, template: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    answers = [
        *("-c", "aws:region=eu-west-1", "-c", 'monitoring:operatorCidrs=["203.0.113.7/32"]'),
        *("-c", 'monitoring:agentCidrs=["203.0.113.0/24"]'),
    ]
    where = ["--dir", str(target), "--name", "monitoring", "--description", "Mine", "--stack", "first"]
    # Nothing is installed: another test covers the packages.
    said = product.run("new", str(template), "--yes", "--force", "--generate-only", *where, *answers)
    assert (target / "__main__.py").exists(), said
    project = yaml.safe_load((target / "Pulumi.yaml").read_text())
    assert project["name"] == "monitoring"
    assert project["config"]["instanceType"]["default"] == "t4g.small"


def test_the_template_asks_for_exactly_the_required_settings() -> None:
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
