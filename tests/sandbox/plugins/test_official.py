"""With OFFICIAL_PLUGINS=1, the plugins' tests run against the plugins that the engine would find."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sandbox.plugins.install import wrapper
from tests.sandbox.plugins.engine import CHECKOUT
from tests.sandbox.plugins.process import OFFICIAL

pytestmark = [pytest.mark.slow, pytest.mark.stand_in]

VERSION = metadata.version("pulumi-random")


def run_against(home: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    files = [f"tests/sandbox/plugins/{test}" for test in tests]
    environment = os.environ | {OFFICIAL: "1", "PULUMI_HOME": str(home), "HOME": str(home), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_the_installed_plugin_is_the_one_that_is_tested(tmp_path: Path) -> None:
    """A stand-in is installed as the official plugin and records that it was started."""
    executable = tmp_path / "plugins" / f"resource-random-v{VERSION}" / "pulumi-resource-random"
    executable.parent.mkdir(parents=True)
    started = tmp_path / "started"
    executable.write_text(wrapper(CHECKOUT, "random").replace("exec ", f"echo >>{started}; exec ", 1))
    executable.chmod(0o755)
    done = run_against(tmp_path, "test_random.py", "test_sdk_inputs.py")
    assert done.returncode == 0, done.stdout
    assert "about the stand-in itself" in done.stdout
    assert len(started.read_text().splitlines()) > 3


def test_a_missing_plugin_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    done = run_against(tmp_path, "test_random.py")
    assert done.returncode == 1
    assert f"pulumi plugin install resource random {VERSION}" in done.stdout
    assert "passed" not in done.stdout
