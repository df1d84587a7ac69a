"""The on-premise machines of `make up`: their keys are known before they boot, and one stack has them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sandbox import hosts, stack
from sandbox.machines import on_premise
from sandbox.place import Place
from settings import load
from tests.support.configuration import raw


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    stack.project_folder(made).mkdir(parents=True)
    (tmp_path / "Pulumi.sandbox.yaml").write_text("config: {aws:region: eu-central-1}")
    monkeypatch.setattr("sandbox.repository.facts", lambda _: {})
    return made


def test_machines_are_declared_with_their_own_keys_and_other_machines_stay(place: Place) -> None:
    stranger = on_premise.Host("fresh-1", place.on_premise_addresses[5])
    on_premise.declare(place, [stranger])
    hosts.boot(place)
    hosts.boot(place)
    declared = on_premise.declared(place)
    assert [host.name for host in declared] == ["db-1", "web-1", "fresh-1"]
    assert declared[2] == stranger
    keys = [host.host_key for host in declared[:2]]
    assert None not in keys
    assert keys[0] != keys[1]
    assert declared[0].authorized_key == declared[1].authorized_key


def test_the_settings_describe_the_declared_machines(place: Place) -> None:
    hosts.boot(place)
    described = hosts.settings(place)
    machines = on_premise.declared(place)
    assert [host["address"] for host in described] == [str(machine.address) for machine in machines]
    for host, machine in zip(described, machines, strict=True):
        assert machine.host_key is not None
        assert machine.host_key.with_suffix(".pub").read_text().startswith(host["hostKey"])
    assert len(load(raw(hosts=described)).hosts) == len(hosts.HOSTS)


def test_only_the_owner_can_read_the_private_keys(place: Place) -> None:
    hosts.boot(place)
    assert {file.stat().st_mode & 0o777 for file in (place.state / "ssh").iterdir() if not file.suffix} == {0o600}
    assert hosts.operator_key(place).startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_the_stack_file_keeps_encrypted_keys_and_manual_changes(place: Place) -> None:
    file = stack.project_folder(place) / "Pulumi.sandbox.yaml"
    stack._write_stack_file(place, "sandbox")
    content = yaml.safe_load(file.read_text())
    assert "privateKey" not in content["config"]["monitoring:hosts"][0]
    for host in content["config"]["monitoring:hosts"]:
        host["privateKey"] = {"secure": "v1:abc"}
    file.write_text(yaml.safe_dump(content))
    stack._write_stack_file(place, "sandbox")
    assert yaml.safe_load(file.read_text()) == content, "encrypted values stay as they are"
    content["config"]["monitoring:hosts"].pop()
    file.write_text(yaml.safe_dump(content))
    stack._write_stack_file(place, "sandbox")
    assert yaml.safe_load(file.read_text()) == content, "a host removed by hand stays removed"
    assert stack.host_names(place, "sandbox") == {"db-1"}


def test_a_second_stack_does_not_have_the_machines(place: Place) -> None:
    stack._write_stack_file(place, "second")
    assert (
        "monitoring:hosts"
        not in yaml.safe_load((stack.project_folder(place) / "Pulumi.second.yaml").read_text())["config"]
    )
    assert stack.host_names(place, "second") == set()
