"""No disk space for temporary files or results: one sentence, nothing half-made. (`make up` checks the free space
before it begins: test_main.py.)"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-dev.txt", "sandbox/grafana/requirements.txt")
FULL = """set -e
for folder in /tmp /var/tmp /mnt; do mount -t tmpfs -o size="$1" tmpfs $folder; done
for folder in /tmp /var/tmp; do head -c 1M /dev/zero >$folder/filler || true; done
cd /mnt
shift
exec "$@"
"""
"""Runs a command that sees a little space in /mnt, where it works, and none in the folders for temporary files."""


def with_full_disks(size: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", FULL, "-", size, *command],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(CHECKOUT), "TMPDIR": "/mnt"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_no_folder_for_temporary_files() -> None:
    script = (
        "import sys, tempfile; from sandbox.errors import status_of; "
        "open('filler', 'w').write('x' * 4096); sys.exit(status_of(lambda: len(tempfile.mkdtemp())))"
    )
    done = with_full_disks("4k", sys.executable, "-c", script)
    assert done.returncode == 1, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("No usable temporary directory found in ")
    assert line.endswith(" Free some space, then run the same command again.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_lock_files_are_restored_when_one_cannot_be_written(tmp_path: Path, fails: int) -> None:
    """uv leaves half a file behind. The path has spaces and umlauts."""
    tmp_path /= "Überwachung und mehr"
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name} before")
    shutil.copyfile(CHECKOUT / "sandbox/lock.sh", tmp_path / "sandbox/lock.sh")
    uv = tmp_path / "cache/monitoring-sandbox/uv-1/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(
        '#!/bin/sh\nwhile [ "$1" != --output-file ]; do shift; done\necho x >>runs\n'
        f'[ "$(wc -l <runs)" != {fails} ] || {{ echo half >"$2"; echo no room >&2; exit 1; }}\necho new >"$2"\n'
    )
    uv.chmod(0o755)
    command = ["bash", str(tmp_path / "sandbox/lock.sh")]
    settings = {"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def lock() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=60)

    failed = lock()
    assert (failed.returncode, failed.stderr) == (1, "no room\n")
    assert [(tmp_path / name).read_text() for name in FILES] == [f"{name} before" for name in FILES]
    done = lock()
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / name).read_text() for name in FILES] == ["new\n"] * 3
    assert not list(tmp_path.glob(".lock.*"))


def test_checks_do_not_begin_without_a_folder_for_their_output(tmp_path: Path) -> None:
    script = tmp_path / "sandbox/check.sh"
    script.parent.mkdir()
    shutil.copyfile(CHECKOUT / "sandbox/check.sh", script)
    settings = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "nowhere")}
    done = subprocess.run(["bash", script], env=settings, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("mktemp: failed to create directory")


@pytest.mark.slow
def test_pictures_in_a_read_only_checkout_are_refused_in_a_sentence() -> None:
    folder = CHECKOUT / "docs/pictures"
    script = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" tools/start.py tests.delivery.picture'
    )
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script, "-", folder, sys.executable],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"\nRead-only file system: {folder}/pull-request.md. Mount it for writing, or go to a copy that can be written "
        "to, then run the same command again.\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "says"),
    [
        ("benchmarks.mutants", ["no.py"], "no.py: there is no such file in "),
        ("benchmarks.mutants", ["README.md"], "README.md: its tests are not known. Name a file of settings/"),
        ("benchmarks.load", [], "Nothing is up here. Run: make up"),
        ("benchmarks.load", ["--hosts", "0"], "at least one host"),
    ],
)
def test_benchmarks_report_what_they_cannot_measure_in_one_sentence(
    module: str, arguments: list[str], says: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "SANDBOX_NAME": "nowhere", "HOME": "/root"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_mutants_removes_a_copy_of_the_checkout_that_does_not_fit_on_the_disk() -> None:
    done = with_full_disks("64k", "sh", "-c", f"{sys.executable} -m benchmarks.mutants; ls")
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("No space left on device: ")
    assert line.endswith(" Free some space, then run the same command again.")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
