"""What Pulumi.yaml and the pages say about the settings is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from settings import Settings, SettingsError, load
from tests.support.configuration import REQUIRED, raw

PROJECT = Path(__file__).parents[2]


def test_pulumi_yaml_describes_every_setting_with_its_default() -> None:
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    assert list(schema) == [key for key in fields if key != "aws:region"]
    for key, entry in schema.items():
        field = fields[key]
        default = field.get_default(call_default_factory=True)
        if hasattr(default, "model_dump"):
            default = default.model_dump(by_alias=True)
        unset = entry["default"] in ("", {}) and default is None
        assert unset or entry["default"] == (list(default) if isinstance(default, tuple) else default), key
        assert len(entry["description"]) > 20, key


def ranges() -> Iterator[tuple[str, str, str]]:
    """The limits that the pages name: a setting's key, the least and the most."""
    numbers = r"([0-9.]+[smhd]?) to ([0-9.]+[smhd]?)\b"
    for key, entry in yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"].items():
        if (found := re.search(numbers, entry["description"])) and not key.endswith("Version"):
            yield key, found[1], found[2]
    for page, setting in (("alerts.md", "alertThresholds"), ("backups.md", "backups")):
        for row in re.findall(r"^\| `.* \|$", (PROJECT / "docs" / page).read_text(), re.MULTILINE):
            if found := re.search(numbers, row):
                for key in re.findall(r"`(\w+)`", row.split("|")[1]):
                    yield f"{setting}.{key}", found[1], found[2]


def taken(key: str, value: str) -> bool:
    """Whether a setting, or a key inside one, takes a value."""
    name, _, inside = key.partition(".")
    without_backups = {"backups": {"enabled": False}} if inside == "backupAge" else {}
    try:
        load(raw(**{name: {inside: value} if inside else value}, **without_backups))
    except SettingsError as error:
        assert all(mistake.key.startswith(f"monitoring:{name}") for mistake in error.mistakes)
        return False
    return True


@pytest.mark.parametrize(("key", "least", "most"), list(ranges()))
def test_the_limits_on_the_pages_are_the_settings(key: str, least: str, most: str) -> None:
    def moved(limit: str, by: int) -> str:
        number = re.match("[0-9.]+", limit)
        assert number
        return f"{float(number[0]) + by:g}{limit[number.end() :]}"

    assert [taken(key, value) for value in (least, most)] == [True, True]
    assert [taken(key, value) for value in (moved(least, -1), moved(most, 1))] == [False, False]


def test_the_search_finds_limits_on_every_page() -> None:
    keys = {key for key, *_ in ranges()}
    assert {"rootVolumeSize", "collectionInterval", "bootTimeout", "alertThresholds.cpu", "backups.keep"} <= keys


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox"])
def test_the_stacks_that_come_with_the_project_are_valid(stack: str) -> None:
    config = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    if stack == "sandbox":  # sandbox/stack.py adds the networks of the machine it runs on
        config |= {"monitoring:operatorCidrs": ["198.18.0.0/24"], "monitoring:agentCidrs": ["198.18.1.0/24"]}
    settings = load({k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()})
    assert settings.protect == (stack == "prod")
    assert all(cidr.prefixlen > 0 for cidr in (*settings.operator_cidrs, *settings.agent_cidrs))


def test_the_defaults_in_pulumi_yaml_are_the_program_s() -> None:
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    defaults = {
        f"monitoring:{key}": entry["default"] if isinstance(entry["default"], str) else json.dumps(entry["default"])
        for key, entry in schema.items()
    }
    assert load(defaults | REQUIRED) == load(REQUIRED)
