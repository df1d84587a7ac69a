"""Reading a stack's file as Pulumi does, but without the key to its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import SettingsError
from tools import stack_file
from tools.stack_file import StackFileError, parse, read

ROOT = Path(__file__).resolve().parents[2]
ACCESS = "  aws:region: eu-central-1\n  monitoring:operatorCidrs: [203.0.113.0/24]\n"
AGENTS = "  monitoring:agentCidrs: [203.0.113.0/24]\n"


def of(lines: str) -> stack_file.StackFile:
    return parse(f"config:\n{ACCESS}{lines}", "dev", "Pulumi.dev.yaml")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_our_own_stacks_are_read(stack: str) -> None:
    settings, unread = read(ROOT / f"Pulumi.{stack}.yaml", stack).settings()
    assert settings.region == "eu-central-1"
    assert not unread


def test_values_are_handed_over_as_pulumi_does() -> None:
    """YAML 1.1 would turn the time into a number, and `no` into false."""
    file = of("  monitoring:backups: { schedule: 04:00 }\n  monitoring:protect: true\n  monitoring:sshKeyName: no\n")
    assert file.raw["monitoring:backups"] == '{"schedule": "04:00"}'
    assert file.raw["monitoring:protect"] == "true"
    assert file.raw["monitoring:sshKeyName"] == "no"


def test_an_encrypted_value_is_no_mistake() -> None:
    """The other settings of the same object are still read, if a placeholder can stand for the value."""
    influxdb = "{ url: 'https://influx.example.com:8086', username: agents, password: { secure: v1:abc } }"
    file = of(f"  monitoring:influxdb: {influxdb}\n")
    settings, unread = file.settings()
    assert settings.influxdb is not None
    assert settings.influxdb.username == "agents"
    assert not unread
    assert file.secret_keys == {"monitoring:influxdb"}


def test_a_setting_whose_encrypted_part_cannot_be_checked_is_named() -> None:
    hosts = "[{ name: web-1, address: web-1.example.com, user: admin, hostKey: x, privateKey: { secure: v1:abc } }]"
    settings, unread = of(f"{AGENTS}  monitoring:contactPoints: {{ slack: {{ secure: v1:abc }} }}\n").settings()
    assert unread == {"contactPoints"}
    assert settings.contact_points is None
    with pytest.raises(SettingsError, match=r"hosts\[0\]\.hostKey") as error:
        of(f"{AGENTS}  monitoring:hosts: {hosts}\n").settings()
    assert len(error.value.mistakes) == 1


def test_mistakes_are_still_reported() -> None:
    with pytest.raises(SettingsError, match="instanceType") as error:
        of(
            f"{AGENTS}  monitoring:instanceType: huge\n  monitoring:smtp: {{ password: {{ secure: v1:abc }} }}\n"
        ).settings()
    assert "secure" not in str(error.value)


def test_a_secret_in_plain_text_is_reported_and_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"smtp\.password.*is not encrypted") as error:
        of(f"{AGENTS}  monitoring:smtp: {{ host: mail.example.com, password: hunter2 }}\n").settings()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("config: [", "Pulumi.dev.yaml is not valid YAML at line 1; compare it with Pulumi.dev.yaml"),
        ("config: { a: b", "is not valid YAML"),
        ("- a\n", "has no settings below `config:`"),
        ("config: text\n", "has no settings below `config:`"),
        ("config: &a { b: *a }\n", "repeats aliases of aliases until it is enormous; write the values themselves"),
        ("config:\n" + "  - " + "[" * 3000, "has too many levels"),
        ("config:\n  a: !!int hunter2\n", "has a value at line 2 that is not of its type"),
        ("config:\n  a: " + "9" * 5000, "that is not of its type"),
        ("config:\n  a: 1\n  a: 2\n", 'has "a" twice, again at line 3'),
        ("config:\n  hunter2: 1\n  hunter2: 2\n", "has (secret) twice"),
        ("config:\n  password: hunter2: x\n", "is not valid YAML at line 2"),
    ],
)
def test_an_invalid_file_is_refused_without_quoting_it(text: str, says: str) -> None:
    with pytest.raises(StackFileError) as error:
        parse(text, "dev", "Pulumi.dev.yaml")
    assert says in str(error.value)
    assert "hunter2" not in str(error.value)


def test_an_unreadable_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.folder.yaml").mkdir()
    (tmp_path / "Pulumi.binary.yaml").write_bytes(b"\xff")
    for name, says in (("folder", "Is a directory"), ("binary", "can't decode byte 0xff")):
        with pytest.raises(StackFileError, match=rf"Pulumi\.{name}\.yaml cannot be read: .*{says}"):
            read(tmp_path / f"Pulumi.{name}.yaml", name)


def test_a_missing_file_lists_the_existing_stacks(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.blue.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    with pytest.raises(StackFileError, match=r"There is no Pulumi\.red\.yaml; .*: blue\."):
        read(tmp_path / "Pulumi.red.yaml", "red")
