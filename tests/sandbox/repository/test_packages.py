"""The three archives, built from the real programs. Skipped if the toolchain has not been built."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.errors import SandboxError
from sandbox.grafana.package import VERSION
from sandbox.place import Place
from sandbox.repository import packages
from sandbox.repository.__main__ import prepare

pytestmark = pytest.mark.slow

MAINTAINER_SCRIPTS = {
    "grafana": {"postinst", "prerm", "postrm"},
    "influxdb": {"preinst", "postinst", "postrm"},
    "telegraf": {"preinst", "postinst", "prerm", "postrm"},
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if toolchain.missing():
        pytest.skip("the toolchain is not built on this machine (`make up` builds it)")
    cache = tmp_path_factory.mktemp("cache")
    return packages.ensure_packages(mirror=cache / "no mirror", cache=cache)


def contents(deb: Path) -> dict[str, str]:
    """The mode and owner of each path, as dpkg lists them."""
    listing = subprocess.run(["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True)
    return {line.split()[5].lstrip("."): " ".join(line.split()[:2]) for line in listing.stdout.splitlines()}


def package(build: Path, archive: str, name: str) -> Path:
    return next((build / archive / "pool/main").glob(f"{name}_*.deb"))


@pytest.mark.parametrize(
    ("archive", "name", "version", "paths"),
    [
        (
            "influxdata",
            "influxdb",
            "1.12.4-1",
            {
                "/usr/bin/influxd": "-rwxr-xr-x root/root",
                "/usr/bin/influx": "-rwxr-xr-x root/root",
                "/usr/bin/influx_inspect": "-rwxr-xr-x root/root",
                "/etc/influxdb/influxdb.conf": "-rw-r--r-- root/root",
                "/lib/systemd/system/influxdb.service": "-rw-r--r-- root/root",
                "/usr/lib/influxdb/scripts/influxd-systemd-start.sh": "-rwxr-xr-x root/root",
                "/var/lib/influxdb/": "drwxr-xr-x root/root",
            },
        ),
        (
            "influxdata",
            "telegraf",
            "1.39.3-1",
            {
                "/usr/bin/telegraf": "-rwxr-xr-x root/root",
                "/etc/telegraf/telegraf.conf.sample": "-rw-r--r-- root/root",
                "/etc/telegraf/telegraf.d/": "drwxr-xr-x root/root",
                "/usr/lib/telegraf/scripts/telegraf.service": "-rw-r--r-- root/root",
            },
        ),
        (
            "grafana",
            "grafana",
            VERSION,
            {
                "/usr/sbin/grafana-server": "-rwxr-xr-x root/root",
                "/usr/share/grafana/conf/sample.ini": "-rw-r--r-- root/root",
                "/usr/lib/systemd/system/grafana-server.service": "-rw-r--r-- root/root",
            },
        ),
    ],
)
def test_packages_have_the_real_packages_paths(
    build: Path, tmp_path: Path, *, archive: str, name: str, version: str, paths: dict[str, str]
) -> None:
    deb = package(build, archive, name)
    found = contents(deb)
    assert {path: found.get(path) for path in paths} == paths
    subprocess.run(["dpkg-deb", "--control", str(deb), str(tmp_path)], check=True)
    assert f"\nVersion: {version}\n" in (tmp_path / "control").read_text()
    scripts = {path.name for path in tmp_path.iterdir() if path.stat().st_mode & stat.S_IXUSR}
    assert scripts == MAINTAINER_SCRIPTS[name]
    for script in scripts:
        syntax = subprocess.run(["bash", "-n", str(tmp_path / script)], capture_output=True, check=False)
        assert syntax.returncode == 0


def test_the_same_inputs_are_built_once(build: Path) -> None:
    messages: list[str] = []
    cache = build.parent.parent
    assert packages.ensure_packages(messages.append, mirror=cache / "no mirror", cache=cache) == build
    assert messages == []


def test_without_a_mirror_the_debian_archive_is_empty_but_signed(build: Path) -> None:
    suite = build / "debian/dists/trixie"
    assert (suite / "InRelease").read_text().startswith("-----BEGIN PGP SIGNED MESSAGE-----")
    assert next(suite.glob("main/binary-*/Packages")).read_text() == ""


def test_no_unfinished_files_stay(build: Path) -> None:
    assert [path.name for path in build.parent.iterdir()] == [build.name]
    assert {path.name for path in build.iterdir()} == {"grafana", "influxdata", "debian", ".sums.json"}


def test_a_place_gets_its_own_copy(build: Path, tmp_path: Path) -> None:
    place = Place(tmp_path)
    www = prepare(place, build)
    (www / "grafana/gpg.key").write_text("swapped")
    assert (build / "grafana/gpg.key").read_text() != "swapped"
    assert (place.state / "repository/debian.gpg").read_bytes()[0] & 0x80, "a binary OpenPGP packet"
    assert (prepare(place, build) / "grafana/gpg.key").read_text() != "swapped", "a restart replaces it"


def test_facts_contain_repositories_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    facts = packages.facts(Place(tmp_path))
    influxdata = facts["influxdataRepository"]
    assert influxdata["keyUrl"] == "http://packages.sandbox.internal/influxdata/influxdata-archive.key"
    assert len(influxdata["keyFingerprint"]) == 40
    assert influxdata["keyFingerprint"] != facts["grafanaRepository"]["keyFingerprint"]
    assert not {"influxdbVersion", "telegrafVersion", "grafanaVersion"} & set(facts), (
        "they are the program's own defaults"
    )
    assert packages.facts(Place(tmp_path)) == facts, "keys are created once"


def test_missing_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"lacks influxd and influx and .*telegraf: build the toolchain first"):
        packages.ensure_packages(binaries=tmp_path, cache=tmp_path / "cache")
