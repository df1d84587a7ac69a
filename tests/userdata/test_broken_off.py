"""An installer that arrives only in part, because the connection breaks (`… | ssh HOST sudo bash`)."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace

import pytest

from tests.userdata.examples import AGENT
from userdata.agents import ByTag, agent_installer

pytestmark = pytest.mark.slow

KINDS = {
    "of a host": replace(AGENT, host="web-1"),
    "by hand": AGENT,
    "by tag": replace(AGENT, password="", by_tag=ByTag("eu-central-1", "/monitoring/dev/password")),
    "of the Ansible role": replace(AGENT, password="", without_password=True),
}
EACH = 40
"""Random places at which it is cut, besides the beginnings and ends of functions."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_the_installer_does_nothing_and_fails(kind: str) -> None:
    script = agent_installer(KINDS[kind])
    lines = script.splitlines(keepends=True)
    starts = [len("".join(lines[:number])) for number in range(1, len(lines))]
    functions = [at for at in starts if script[at - 2 : at] in ("}\n", "{\n", ")\n")]
    chance = random.Random(1)  # noqa: S311
    for at in {*functions, *chance.sample(range(len(lines[0]) + 1, len(script.rstrip()) - 1), EACH)}:
        # Without programs, so that a part that does run does no harm; `-x` shows what runs.
        done = subprocess.run(
            ["/bin/bash", "-x"],
            input=script[:at],
            env={"PATH": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0, script[:at][-200:]
        assert not [line for line in done.stderr.splitlines() if line.startswith("+")], script[:at][-200:]
