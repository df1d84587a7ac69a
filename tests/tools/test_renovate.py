"""renovate.json matches the lines that it is for: with a pattern that matches nothing, a version ages unnoticed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from settings import Settings
from settings.versions import UNUSABLE

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = json.loads((ROOT / "renovate.json").read_text())
MANAGERS: list[dict[str, Any]] = CONFIGURATION["customManagers"]
DEFAULTS = {
    "grafana": str(Settings.model_fields["grafana_version"].default),
    "influxdb": str(Settings.model_fields["influxdb_version"].default),
    "telegraf": str(Settings.model_fields["telegraf_version"].default),
}
EXAMPLES = {"settings/versions.py"}
"""Files with versions in messages for people, which need not be current."""


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def python_pattern(pattern: str) -> re.Pattern[str]:
    """One of Renovate's patterns in Python's syntax. RE2 has neither lookaround nor back references."""
    assert not re.search(r"\(\?(?!<[A-Za-z]+>|:)|\\[1-9]|\\k", pattern), f"RE2 refuses {pattern}"
    return re.compile(pattern.replace("(?<", "(?P<"))


def files(manager: dict[str, Any]) -> list[str]:
    patterns = [python_pattern(each.removeprefix("/").removesuffix("/")) for each in manager["managerFilePatterns"]]
    return [file for file in tracked() if any(pattern.search(file) for pattern in patterns)]


def found(manager: dict[str, Any], file: str) -> list[str]:
    text = (ROOT / file).read_text()
    return [
        match["currentValue"] for pattern in manager["matchStrings"] for match in python_pattern(pattern).finditer(text)
    ]


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager["description"][:30])
def test_each_file_has_one_line_for_its_manager(manager: dict[str, Any]) -> None:
    assert len(files(manager)) == len(manager["managerFilePatterns"])
    for file in files(manager):
        assert len(found(manager, file)) == 1, f"{file}: {found(manager, file)}"


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager["description"][:30])
def test_each_pattern_matches_somewhere(manager: dict[str, Any]) -> None:
    for pattern in manager["matchStrings"]:
        assert any(python_pattern(pattern).search((ROOT / file).read_text()) for file in files(manager)), pattern


def test_the_lines_have_the_deployed_versions() -> None:
    ours = [manager for manager in MANAGERS if manager["depNameTemplate"] in DEFAULTS]
    assert {manager["depNameTemplate"] for manager in ours} == DEFAULTS.keys()
    for manager in ours:
        default = DEFAULTS[manager["depNameTemplate"]]
        if extract := manager.get("extractVersionTemplate"):
            match = python_pattern(extract).fullmatch(default)
            assert match is not None
            default = match["version"]
        assert {value for file in files(manager) for value in found(manager, file)} == {default}


def test_every_file_with_a_deployed_version_has_a_manager() -> None:
    """So no update leaves some files behind."""
    for name, default in DEFAULTS.items():
        upstream = default.split("-")[0]
        mine = {file for each in MANAGERS if each["depNameTemplate"] == name for file in files(each)}
        quoted = re.compile(rf"[\"`]{re.escape(upstream)}(-[0-9]+)?[\"`]")
        having = {
            file
            for file in tracked()
            if file.endswith((".py", ".sh", ".yaml", ".toml", "README.md"))
            and not file.startswith(("tests/", "docs/", "benchmarks/"))
            and quoted.search((ROOT / file).read_text())
        }
        assert having - EXAMPLES == mine, name


def test_what_the_settings_refuse_is_not_proposed() -> None:
    rules = {rule.get("groupName"): rule for rule in CONFIGURATION["packageRules"]}
    refused = rules["Grafana"]["allowedVersions"]
    assert refused.startswith("!/")
    pattern = re.compile(refused.removeprefix("!/").removesuffix("/"))
    assert all(pattern.fullmatch(version) for version in UNUSABLE)
    assert not pattern.fullmatch(DEFAULTS["grafana"])
    allowed = re.compile(rules["InfluxDB"]["allowedVersions"].strip("/"))
    assert allowed.match(DEFAULTS["influxdb"])
    assert not allowed.match("2.8.0-1")


def test_the_repositories_are_the_settings_own() -> None:
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    urls = {schema[key]["default"]["url"] for key in ("grafanaRepository", "influxdataRepository")}
    asked = {each["registryUrlTemplate"].split("?")[0] for each in MANAGERS if each["datasourceTemplate"] == "deb"}
    assert asked == urls


def test_every_lock_file_has_a_manager() -> None:
    """Each kind that this project has: pip's with hashes, npm's and Go's."""
    kinds = {
        "requirements.txt": "pip_requirements",
        "package-lock.json": "npm",
        "go.sum": "gomod",
        "pyproject.toml": "pep621",
    }
    found = {kinds[Path(file).name] for file in tracked() if Path(file).name in kinds}
    assert found == set(kinds.values())
    assert found | {"github-actions"} <= set(CONFIGURATION["enabledManagers"])


def accepts(setting: str, version: str) -> bool:
    """Whether the settings accept this version of a package."""
    try:
        Settings.model_validate({"aws:region": "us-east-1", setting: version})
    except ValidationError:
        return False
    return True


def test_the_page_about_upgrading_names_what_is_refused() -> None:
    page = " ".join((ROOT / "docs/upgrading.md").read_text().split())
    refused = re.search(r"The settings refuse Grafana (.*?), whose Debian", page)
    assert refused is not None
    assert re.findall(r"[0-9.]+[0-9]", refused[1]) == list(UNUSABLE)
    for name, key in (("Grafana", "grafanaVersion"), ("InfluxDB", "influxdbVersion"), ("Telegraf", "telegrafVersion")):
        least = re.search(rf"{name} before ([0-9]+)\.([0-9]+)[, ]", page)
        assert least is not None, name
        major, minor = map(int, least.groups())
        before = f"{major}.{minor - 1}.99" if minor else f"{major - 1}.99.0"
        assert accepts(key, f"{major}.{minor}.0"), name
        assert not accepts(key, before), name
