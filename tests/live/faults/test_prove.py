"""`make prove` on the local AWS, in the environment of `make shell`, as the owner of an account would run it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox import stack
from tests.live.environment import CHECKOUT, PLACE, Environment
from tests.live.pending import inventory

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

NAME = "proof"


def settings(folder: Path, **changed: object) -> Path:
    """Write a file with the local environment's settings, without its hosts, which belong to another stack."""
    written = json.loads((stack.project_folder(PLACE) / f".written.{stack.name()}.json").read_text())
    written.pop("monitoring:hosts", None)
    file = folder / "settings.yaml"
    file.write_text(
        yaml.safe_dump({"config": written | {f"monitoring:{key}": value for key, value in changed.items()}})
    )
    return file


def prove(folder: Path, chosen: Path) -> tuple[int, dict[str, bool], str]:
    """Run `make prove`; returns its exit status, whether each step succeeded, and everything printed and reported."""
    report = folder / "proof.md"
    arguments = (f"PROJECT={stack.project_folder(PLACE)}", f"SETTINGS={chosen}", f"REPORT={report}", f"PROOF={NAME}")
    done = subprocess.run(
        ["make", "-C", str(CHECKOUT), "prove", *arguments],
        env=stack.administrator(PLACE),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=1400,
    )
    text = report.read_text()
    found = re.findall(r"^\| ([^|]+) \| (yes|\*\*no\*\*) \|", text, re.M)
    return done.returncode, {name: well == "yes" for name, well in found}, done.stdout + done.stderr + text


def test_a_proof_succeeds_and_leaves_nothing(environment: Environment, tmp_path: Path) -> None:
    before = inventory(environment)
    status, well, said = prove(tmp_path, settings(tmp_path))
    assert [name for name, went in well.items() if not went] == [], said[-6000:]
    assert status == 0
    assert {"pulumi up", "replace the server, keep the data volume", "a new access key", "pulumi destroy"} <= set(well)
    assert inventory(environment) == before
    assert not (stack.project_folder(PLACE) / f"Pulumi.{NAME}.yaml").exists()


def test_a_failed_proof_leaves_nothing(environment: Environment, tmp_path: Path) -> None:
    """It fails because a server whose packages do not exist cannot become ready."""
    before = inventory(environment)
    chosen = settings(tmp_path, bootTimeout="1m", telegrafVersion="1.99.0-1")
    status, well, said = prove(tmp_path, chosen)
    assert status != 0
    assert (well["pulumi up"], well["pulumi destroy"], well["remove the stack"]) == (False, True, True), said[-3000:]
    assert inventory(environment) == before
