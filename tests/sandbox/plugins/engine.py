"""The real engine and a moto server, for tests of the stand-in plugins; no guest machines, no bridge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sandbox import toolchain, warm
from sandbox.loopback import free_port
from sandbox.place import Place
from sandbox.plugins.install import install
from sandbox.stack import CLI

CHECKOUT = Path(__file__).resolve().parents[3]
VENV = CHECKOUT / ".venv"
DEBIAN = "136693071363"
LONGEST_RUN = 300
"""Seconds a run of the CLI may take."""


def find_pulumi() -> Path:
    """The CLI: on PATH, or the toolchain's; a failed test when there is neither."""
    built = toolchain.binaries() / "pulumi"
    found = shutil.which("pulumi") or (str(built) if built.exists() else None)
    if found is None:
        pytest.fail(f"no pulumi on PATH and none at {built}: `make tools` builds it")
    return Path(found)


def environment(pulumi: Path, home: Path, state: Path) -> dict[str, str]:
    """In which the CLI works on a backend of its own, without this process's credentials and settings of Pulumi."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
    # Where it is set, each run compiles the providers' SDKs again.
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    programs = (warm.environment(VENV) / "bin", VENV / "bin", pulumi.parent, os.environ.get("PATH", ""))
    return own | {
        "PATH": os.pathsep.join(map(str, programs)),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        **CLI,
    }


def amis() -> list[dict[str, Any]]:
    """Two Debian images per architecture, an old and a new one."""
    return [
        {
            "ami_id": f"ami-{number:017x}",
            "name": f"debian-13-{architecture}-2026010{day}-1",
            "owner_id": DEBIAN,
            "creation_date": f"2026-01-0{day}T00:00:00.000Z",
            "architecture": architecture.replace("amd64", "x86_64"),
            "virtualization_type": "hvm",
            "hypervisor": "xen",
            "image_type": "machine",
            "root_device_type": "ebs",
            "root_device_name": "/dev/xvda",
            "state": "available",
            "public": True,
            "description": "Debian 13",
            "sriov": "simple",
            "image_location": "amazon/debian-13",
            "platform": None,
        }
        for number, (architecture, day) in enumerate([("arm64", 1), ("arm64", 2), ("amd64", 1), ("amd64", 2)], start=1)
    ]


@dataclass
class Moto:
    """A moto server of its own on a free loopback port."""

    process: subprocess.Popen[bytes]
    url: str

    @classmethod
    def start(cls, folder: Path) -> Moto:
        images = folder / "amis.json"
        images.write_text(json.dumps(amis()))
        port = free_port()
        env = {**os.environ, "MOTO_AMIS_PATH": str(images), "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "1"}
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with (folder / "moto.log").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        moto = cls(process, f"http://127.0.0.1:{port}")
        for _ in range(200):
            try:
                urlopen(f"{moto.url}/moto-api/data.json", timeout=5)  # noqa: S310 (our own server)
                return moto
            except OSError:
                time.sleep(0.1)
        moto.stop()
        raise AssertionError(f"moto does not start: {(folder / 'moto.log').read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@dataclass
class Stack:
    """A stack of the program next to this file, run by the real engine with the stand-ins."""

    folder: Path
    pulumi: Path
    env: dict[str, str]

    @classmethod
    def make(cls, folder: Path, aws_url: str, program: Path) -> Stack:
        pulumi = find_pulumi()
        home, state, copy = folder / "home", folder / "state", folder / "program"
        home.mkdir()
        state.mkdir()
        shutil.copytree(program, copy)
        aws = {"AWS_ENDPOINT_URL": aws_url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        env = environment(pulumi, home, state) | aws
        install(Place(CHECKOUT), pulumi, env)
        stack = cls(copy, pulumi, env)
        stack.run("stack", "init", "dev")
        stack.run("config", "set", "aws:region", "eu-central-1")
        return stack

    def run(self, *arguments: str, fails: bool = False, env: dict[str, str] | None = None) -> str:
        """What the CLI prints, without colours; the test fails when it does otherwise than expected."""
        command = [str(self.pulumi), "--non-interactive", "--color", "never", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=LONGEST_RUN,
        )
        if (done.returncode != 0) != fails:
            pytest.fail(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        # Python's SDK itself shows a traceback of the program when a function fails; a plugin must not.
        assert "sandbox/plugins" not in done.stdout, done.stdout
        return done.stdout

    def up(self, *options: str, fails: bool = False) -> str:
        return self.run("up", "--yes", "--skip-preview", *options, fails=fails)

    def preview(self, *options: str) -> str:
        return self.run("preview", "--diff", *options)

    def configure(self, **settings: str | int | bool) -> None:
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()
        }
        self.run("config", "set-all", *(word for each in texts.items() for word in ("--plaintext", "=".join(each))))

    def outputs(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets"))
        return answer

    def operations(self, output: str) -> dict[str, int]:
        """The numbers of the summary, e.g. {"created": 3, "unchanged": 2}."""
        return {word: int(number) for number, word in re.findall(r"^\s+[~+\-]*\s*(\d+) (\w+)", output, re.M)}
