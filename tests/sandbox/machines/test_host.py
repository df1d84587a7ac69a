"""What the host must provide, which regions are polled, and how machines are found by name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.machines import __main__ as machines_command
from sandbox.machines import requirements
from sandbox.machines.__main__ import main
from sandbox.machines.aws import SCANNED_PER_TURN, Regions
from sandbox.machines.register import all_machines, find
from sandbox.machines.requirements import preflight
from sandbox.place import Place


def test_missing_tools_are_named_with_the_packages_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda tool, path=None: None if tool in ("nft", "mmdebstrap") else tool)
    (problem,) = [line for line in preflight() if line.startswith("Missing")]
    assert "nft" in problem
    assert problem.endswith("apt-get install mmdebstrap nftables")


def test_missing_root_privileges_are_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert any("needs root" in line and "sudo make" in line for line in preflight())
    assert all("\n" not in line for line in preflight())


def test_missing_archive_keys_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "DEBIAN_KEYS", tmp_path / "none.gpg")
    assert any("debian-archive-keyring" in line for line in preflight())


def test_active_regions_are_polled_in_each_turn_and_the_others_by_turns(tmp_path: Path) -> None:
    names = [f"r{number:02}" for number in range(30)]
    regions = Regions(Place(tmp_path), names)
    regions.active = {"r17"}
    turns = [regions.next() for _ in range(-(-len(names) // SCANNED_PER_TURN))]
    assert all("r17" in turn for turn in turns)
    assert {name for turn in turns for name in turn} == set(names)
    assert max(map(len, turns)) <= SCANNED_PER_TURN + 1


def test_only_listed_regions_are_polled_if_there_is_a_list(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.state.mkdir(parents=True)
    (place.state / "regions.json").write_text('["eu-north-1"]')
    assert Regions(place, ["a", "b", "eu-north-1"]).next() == ["eu-north-1"]


def test_a_command_for_an_unknown_machine_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Place, "here", lambda: Place(tmp_path))
    assert main(["console", "web"]) == 1
    assert capsys.readouterr().err == "\nThere is no machine 'web' here. Known: none.\n"


def test_ctrl_c_ends_a_command_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Place, "here", lambda: Place(tmp_path))
    monkeypatch.setattr(machines_command, "control", press)
    assert main(["exec", "web", "sleep", "60"]) == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"


def test_a_machine_is_found_by_id_name_or_address(tmp_path: Path) -> None:
    place = Place(tmp_path)
    folder = place.state / "machines" / "i-1"
    folder.mkdir(parents=True)
    facts = '{"id": "i-1", "address": "198.18.0.10", "name": "server", "public_address": "198.18.1.10"}'
    (folder / "machine.json").write_text(facts)
    assert {find(place, name).id for name in ("i-1", "server", "198.18.0.10", "198.18.1.10")} == {"i-1"}
    assert [machine.leader for machine in all_machines(place)] == [None]
    with pytest.raises(SandboxError, match=r"no machine 'web' here\. Known: i-1\."):
        find(place, "web")
