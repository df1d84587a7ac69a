"""The Debian package's files: the real package's paths, and everything that the guest's Python needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.grafana import package

REAL_PATHS = (
    "etc/default/grafana-server",
    "etc/init.d/grafana-server",
    "usr/lib/systemd/system/grafana-server.service",
    "usr/sbin/grafana",
    "usr/sbin/grafana-cli",
    "usr/sbin/grafana-server",
    "usr/share/grafana/bin/grafana",
    "usr/share/grafana/conf/defaults.ini",
    "usr/share/grafana/conf/sample.ini",
)
VENDOR = "usr/share/grafana/double/vendor"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("package") / "tree"
    package.build_tree(destination)
    return destination


@pytest.mark.parametrize("path", REAL_PATHS)
def test_the_package_has_the_real_package_s_paths(tree: Path, path: str) -> None:
    assert (tree / path).is_file()
    executable = path.startswith(("usr/sbin", "usr/share/grafana/bin", "etc/init.d"))
    assert (tree / path).stat().st_mode & 0o777 == (0o755 if executable else 0o644)


def test_the_package_has_the_real_package_s_conffiles(tree: Path) -> None:
    assert all((tree / path.lstrip("/")).is_file() for path in package.CONFFILES)
    # The postinst creates it from sample.ini, once.
    assert not (tree / "etc/grafana").exists()


def test_only_the_needed_aws_services_are_included(tree: Path) -> None:
    data = tree / VENDOR / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == package.SERVICE_MODELS


def test_libraries_are_for_the_guest_s_python(tree: Path) -> None:
    compiled = [path.name for path in (tree / VENDOR).rglob("*.so")]
    assert compiled
    assert all("cpython-313" in name or "abi3" in name for name in compiled)
    assert not list(tree.rglob("__pycache__"))


def test_the_double_does_not_import_from_outside(tree: Path) -> None:
    own = [path for path in (tree / "usr/share/grafana/double").rglob("*.py") if "vendor" not in path.parts]
    assert own
    for path in own:
        assert "from sandbox" not in path.read_text()


@pytest.mark.parametrize("script", [package.POSTINST, package.PRERM, package.POSTRM])
def test_maintainer_scripts_are_valid_shell(script: str) -> None:
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
