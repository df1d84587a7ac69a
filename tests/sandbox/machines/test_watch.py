"""How often the daemon polls EC2."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud import changes
from sandbox.machines import databases, firewall, fleet, watch
from sandbox.machines.aws import Regions
from sandbox.machines.fleet import Fleet
from sandbox.place import Place


class Daemon:
    """A watch that counts its requests. EC2 has nothing, so the watch does nothing else."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.place = place
        aws: Any = type("Aws", (), {"ec2": lambda _, region: region})()
        self.watch = watch.Watch(place, aws, Regions(place, ["eu-central-1"]), Executor())

        def read(*_: Any, **__: Any) -> Fleet:
            self.asked += 1
            return Fleet()

        monkeypatch.setattr(fleet, "read", read)
        monkeypatch.setattr(databases, "read", lambda *_: ())
        monkeypatch.setattr(firewall, "apply", lambda _: None)

    def changed(self, seconds_ago: float) -> None:
        file = changes.file(self.place)
        file.touch()
        then = time.time() - seconds_ago
        os.utime(file, (then, then))

    def turns(self, number: int) -> int:
        """Run this many turns; returns how many of them poll EC2."""
        before = self.asked
        for _ in range(number):
            self.watch.turn()
        return self.asked - before


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    place = Place(tmp_path)
    place.state.mkdir(parents=True)
    return Daemon(place, monkeypatch)


def test_an_aws_that_records_no_changes_is_polled_in_each_turn(daemon: Daemon) -> None:
    assert daemon.turns(3) == 3


def test_an_idle_aws_is_polled_less_often(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.changed(watch.SETTLED_SECONDS + 1)
    assert daemon.turns(3) == 1
    monkeypatch.setattr(watch, "IDLE_SECONDS", 0)
    assert daemon.turns(3) == 3


def test_aws_is_polled_in_each_turn_again_after_a_change(daemon: Daemon) -> None:
    daemon.changed(watch.SETTLED_SECONDS + 1)
    daemon.turns(2)
    daemon.changed(1)
    assert daemon.turns(3) == 3
