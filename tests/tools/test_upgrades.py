"""`make upgrades`, which here asks local repositories."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import Repository, Settings
from settings.versions import UNUSABLE
from tests.tools.web import served
from tools import stack_file
from tools.upgrades import __main__ as command
from tools.upgrades import pins, sources
from tools.upgrades.pins import Pin, newest
from tools.upgrades.sources import UnreachableError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = """\
Package: telegraf
Version: 1.39.3-1
Architecture: arm64

Package: telegraf
Version: 1.40.0-1
Description: not grafana
 Version: 9.9.9

Package: grafana
Version: 13.2.3

Package: grafana-enterprise
Version: 14.0.0
"""


@pytest.fixture
def web() -> Iterator[tuple[dict[str, bytes], str]]:
    """A web server. Yields its files (path → content), which a test can change, and its address."""
    files: dict[str, bytes] = {}
    with served(files.get) as url:
        yield files, url


def repository(url: str) -> Repository:
    """A repository at this address, which is not validated, as the settings refuse addresses of this machine."""
    return Repository.model_construct(url=url, suite="stable", component="main")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("binary-arm64/Packages.gz", gzip.compress(PACKAGES.encode())),
        ("binary-arm64/Packages", PACKAGES.encode()),
        ("binary-amd64/Packages.gz", gzip.compress(PACKAGES.encode())),
    ],
)
def test_an_apt_repository_is_read(web: tuple[dict[str, bytes], str], file: str, content: bytes) -> None:
    files, url = web
    files[f"/debian/dists/stable/main/{file}"] = content
    assert sources.packages(repository(f"{url}/debian"), "telegraf") == ["1.39.3-1", "1.40.0-1"]
    assert sources.packages(repository(f"{url}/debian"), "grafana") == ["13.2.3"]
    with pytest.raises(UnreachableError, match="has no package influxdb"):
        sources.packages(repository(f"{url}/debian"), "influxdb")


def test_a_repository_that_does_not_answer_is_one_sentence(web: tuple[dict[str, bytes], str]) -> None:
    files, url = web
    with pytest.raises(UnreachableError, match=r"binary-amd64 answered 404\.$"):
        sources.packages(repository(url), "grafana")
    files["/dists/stable/main/binary-arm64/Packages.gz"] = b"no gzip"
    with pytest.raises(UnreachableError, match=r"cannot be reached \(Not a gzipped file"):
        sources.packages(repository(url), "grafana")
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:9 cannot be reached \(.*refused"):
        sources.packages(repository("http://127.0.0.1:9"), "grafana")


@pytest.mark.parametrize(
    ("name", "pinned", "versions", "expected"),
    [
        ("telegraf", "1.39.3-1", ["1.39.3-1", "1.40.0-1", "1.9.0-1"], "1.40.0-1"),
        ("telegraf", "1.39.3-1", ["1.39.3-2"], "1.39.3-2"),
        ("telegraf", "1.39.3-1", ["1.39.3-1", "1.38.0-1"], None),
        ("telegraf", "1.39.3-1", ["1.40.0~rc1-1", "1.40.0rc1", "nonsense"], None),
        ("influxdb", "1.12.4-1", ["2.8.0-1", "1.12.5-1"], "1.12.5-1"),
        ("grafana", "13.0.0", ["13.1.0", "13.2.0"], None),
        ("grafana", "13.0.0", ["13.1.0", "13.0.2+security-01"], "13.0.2+security-01"),
        ("telegraf", "1:1.39.3-1", ["1:1.39.3-1", "1:1.40.0-1"], "1:1.40.0-1"),
        ("telegraf", "nonsense", ["1.40.0-1"], None),
        ("telegraf", "1.39.3-1", [], None),
        ("grafana-foundation-sdk", "1769699998!10.1.0", ["1769699999!10.2.0", "10.3.0"], "1769699999!10.2.0"),
    ],
)
def test_the_newest_usable_version(name: str, pinned: str, versions: list[str], expected: str | None) -> None:
    assert newest(Pin(name, pinned), versions) == expected


def test_what_is_pinned() -> None:
    settings = Settings.model_validate({"aws:region": "us-east-1"})
    assert [(pin.name, pin.version) for pin, _ in pins.apt(settings)] == [
        ("grafana", settings.grafana_version),
        ("influxdb", settings.influxdb_version),
        ("telegraf", settings.telegraf_version),
    ]
    python = {pin.name: pin.version for pin in pins.python(ROOT)}
    assert {"pulumi", "pulumi-aws", "pulumi-tls", "boto3", "jinja2"} <= set(python)
    assert f"pulumi=={python['pulumi']}" in (ROOT / "pyproject.toml").read_text()
    assert all(pins.version(each) for each in python.values())


def test_what_has_to_change_with_a_version_is_noted() -> None:
    notes = {pin.name: pin.note for pin in pins.python(ROOT)}
    for name in ("pulumi-aws", "pulumiverse-grafana"):
        assert notes[name] == pins.PROVIDER
    assert (notes["pulumi"], notes["boto3"]) == (pins.NOTES["pulumi"], "")
    apt = {pin.name: pin.note for pin, _ in pins.apt(Settings.model_validate({"aws:region": "us-east-1"}))}
    assert apt["influxdb"] == pins.INFLUXDB
    assert all(version in apt["grafana"] for version in UNUSABLE)


def test_a_stack_s_influxdb_elsewhere_is_not_asked_for(tmp_path: Path) -> None:
    influxdb = "{ url: 'https://influx.example.com:8086', username: agents, password: { secure: v1:abc } }"
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: eu-central-1\n  monitoring:operatorCidrs: [203.0.113.0/24]\n"
        f"  monitoring:influxdb: {influxdb}\n"
    )
    settings, _ = stack_file.read(tmp_path / "Pulumi.dev.yaml", "dev").settings()
    assert [pin.name for pin, _ in pins.apt(settings)] == ["grafana", "telegraf"]


@pytest.mark.slow
def test_pip_asks_its_configured_index(web: tuple[dict[str, bytes], str], monkeypatch: pytest.MonkeyPatch) -> None:
    files, url = web
    links = "".join(
        f'<a href="x/jinja2-{v}-py3-none-any.whl">jinja2-{v}-py3-none-any.whl</a>' for v in ("3.1.6", "3.9.0")
    )
    files["/simple/jinja2/"] = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple/")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
    assert sources.python("jinja2") == ["3.9.0", "3.1.6"]
    with pytest.raises(UnreachableError, match=r"^jinja2x: ERROR: No matching distribution found for jinja2x"):
        sources.python("jinja2x")


def test_without_go_the_engine_is_not_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreachableError, match="`go` is not installed"):
        sources.engine()


def program(folder: Path, name: str, text: str) -> str:
    """Write a program that runs these shell commands; returns its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_newest_version_of_the_engine_is_that_of_the_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`go` runs outside any module, because a go.mod would affect the answer."""
    asked = tmp_path / "asked"
    program(tmp_path, "go", f'echo "$PWD $*" >\'{asked}\'; echo \'{{"Path": "x", "Version": "v3.270.0"}}\'')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert sources.engine() == ["3.270.0"]
    folder, _, arguments = asked.read_text().strip().partition(" ")
    assert arguments == "list -m -json github.com/pulumi/pulumi/pkg/v3@latest"
    assert not Path.cwd().is_relative_to(folder)
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        ("echo 'a warning' >&2; echo 'no such host' >&2; exit 1", "no such host"),
        ("echo refused; exit 1", "refused"),
        ("exit 1", "no reason given"),
    ],
)
def test_a_registry_that_fails_is_reported_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands: str, says: str
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path, "python", commands))
    with pytest.raises(UnreachableError) as error:
        sources.python("jinja2")
    assert str(error.value) == f"jinja2: {says}"


def test_the_versions_are_read_from_what_pip_prints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    printed = "jinja2 (3.9.0)\\nAvailable versions: 3.9.0, 3.1.6\\n  INSTALLED: 3.1.6"
    monkeypatch.setattr(sys, "executable", program(tmp_path, "python", f"printf '{printed}\\n'"))
    assert sources.python("jinja2") == ["3.9.0", "3.1.6"]
    monkeypatch.setattr(sys, "executable", program(tmp_path, "older", "echo 'jinja2 (3.9.0)'"))
    with pytest.raises(UnreachableError, match="jinja2: pip does not list versions"):
        sources.python("jinja2")


def test_a_command_that_cannot_run_or_does_not_end_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/none")
    with pytest.raises(UnreachableError, match=r"jinja2: `.*/none -m pip index .*` cannot be run \(No such file"):
        sources.python("jinja2")
    monkeypatch.setattr(sys, "executable", program(tmp_path, "python", "exec sleep 60"))
    monkeypatch.setattr(sources, "SECONDS", 0.01)
    with pytest.raises(UnreachableError, match=r"jinja2: `.*/python -m pip index .*` did not end within 0.03 s"):
        sources.python("jinja2")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the registries answer: there is a newer Telegraf, and InfluxDB's repository is out of reach."""

    def packages(_: Repository, name: str) -> list[str]:
        if name == "influxdb":
            raise UnreachableError("https://repos.example.com cannot be reached (refused).")
        return {"telegraf": ["1.99.0-1"], "grafana": ["13.2.3"]}[name]

    monkeypatch.setattr(sources, "packages", packages)
    monkeypatch.setattr(sources, "python", lambda _: ["0.0.1"])
    monkeypatch.setattr(sources, "engine", lambda: ["999.0.0"])


@pytest.mark.usefixtures("answers")
def test_the_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert command.main([]) == 0
    said = capsys.readouterr().out
    assert "1.99.0-1" in said
    assert "999.0.0" in said
    assert "Up to date: grafana, pulumi, " in said
    assert "Unknown: https://repos.example.com cannot be reached (refused).\n" in said


@pytest.mark.usefixtures("answers")
def test_the_report_explains_what_is_newer_and_repeats_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def unreachable(_: str) -> list[str]:
        raise UnreachableError("pip: no such host.")

    monkeypatch.setattr(sources, "python", unreachable)
    assert command.main([]) == 0
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if "999.0.0" in line]
    assert "built for the local environment: sandbox/toolchain" in line
    assert "docs/upgrading.md says what each does to running stacks." in said
    assert said.count("Unknown: pip: no such host.") == 1
    monkeypatch.setattr(sources, "packages", lambda *_: ["0.0.1"])
    monkeypatch.setattr(sources, "engine", lambda: ["0.0.1"])
    assert command.main([]) == 0
    said = capsys.readouterr().out
    assert "pinned" not in said and "docs/upgrading.md" not in said, "there is a table without rows"


@pytest.mark.usefixtures("answers")
def test_the_report_of_a_stack_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = (ROOT / "Pulumi.dev.yaml").read_text() + '  monitoring:telegrafVersion: "1.99.0-1"\n'
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert command.main(["--stack", "dev", "--project", str(tmp_path), "--format", "json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["telegraf"] == {"name": "telegraf", "pinned": "1.99.0-1", "newer": None, "note": "", "unreachable": ""}
    assert found["influxdb"]["unreachable"]
    assert list(found)[:4] == ["grafana", "influxdb", "telegraf", "pulumi (engine)"]
    assert (found["pulumi (engine)"]["pinned"], found["pulumi (engine)"]["newer"]) == (
        found["pulumi"]["pinned"],
        "999.0.0",
    )
    assert command.main(["--stack", "nix", "--project", str(tmp_path)]) == 1
    assert "There is no Pulumi.nix.yaml" in capsys.readouterr().err
