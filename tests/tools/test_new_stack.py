"""`make new-stack` writes a file that the program accepts, without anything that belongs to another stack alone."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.prompt import Confirm, Prompt

from settings import Settings
from settings.stack_name import wrong_for_a_bucket
from tests.tools.terminal import Terminal
from tests.tools.web import served
from tools import stack_name
from tools.cost.bill import bill
from tools.new_stack import __main__ as command
from tools.new_stack import content, questions
from tools.new_stack.address import offered
from tools.new_stack.blocks import blocks, written
from tools.stack_file import parse, read

ROOT = Path(__file__).resolve().parents[2]
ME = "198.51.100.7/32"
NOWHERE = "http://127.0.0.1:9"

LIKE = """\
# What the team knows about its environment.
secretsprovider: awskms://alias/pulumi?region=eu-central-1
encryptedkey: bm90IHlvdXJz
config:
  aws:region: eu-central-1
  aws:allowedAccountIds: ["123456789012"]
  # The office.
  monitoring:operatorCidrs: [203.0.113.0/24]
  monitoring:agentCidrs:
  - 203.0.113.0/24
  # A year, because the auditors ask for it.
  monitoring:retention: 52w # since 2026
  monitoring:smtp:
    host: mail.example.com
    user: monitoring
    password:
      secure: v1:bWFpbHBhc3N3b3Jk:c2VjcmV0
    sender: monitoring@example.com
  monitoring:contactPoints: { email: [team@example.com], slack: { secure: v1:c2xhY2s=:c2VjcmV0 } }
  # Ours alone.
  monitoring:domain: monitoring.example.com
  monitoring:restoreFrom: latest
  monitoring:passwordGeneration: 3
  monitoring:sshKeyName: team
  monitoring:sshCidrs: [203.0.113.0/24]
  monitoring:tags: { environment: blue, team: web }
encryptionsalt: v1:c2FsdA==:dGVzdA==
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of dev, prod and blue (LIKE)."""
    for stack in ("dev", "prod"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text((ROOT / f"Pulumi.{stack}.yaml").read_text())
    (tmp_path / "Pulumi.blue.yaml").write_text(LIKE)
    return tmp_path


def make(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make new-stack` with variables, as a user sets them, without a terminal and without network access."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    return subprocess.run(
        ["make", "--no-print-directory", "new-stack", f"PROJECT={project}", *variables, *arguments],
        cwd=ROOT,
        env=without_network(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def without_network() -> dict[str, str]:
    """The environment variables of a user whose address cannot be determined."""
    names = ("SSH_CLIENT", "NAME", "LIKE", "REGION", "ALLOW", "AGENTS", "SIZE", "YES", "PROJECT")
    clean = {key: value for key, value in os.environ.items() if key not in names}
    return clean | {"https_proxy": NOWHERE, "COLUMNS": "200", "TERM": "dumb"}


@pytest.mark.slow
def test_a_stack_like_dev_without_questions(project: Path) -> None:
    done = make(project, NAME="eu", REGION="eu-west-1", ALLOW=f"{ME},203.0.113.9/32", SIZE="t4g.medium", YES="1")
    assert done.returncode == 0, done.stderr
    settings, unread = read(project / "Pulumi.eu.yaml", "eu").settings()
    assert not unread
    assert settings.region == "eu-west-1"
    assert settings.instance_type == "t4g.medium"
    assert [*map(str, settings.operator_cidrs)] == [*map(str, settings.agent_cidrs)] == [ME, "203.0.113.9/32"]
    assert settings.tags == {"environment": "eu"}
    assert settings.retention == "7d"
    cost = bill(read(project / "Pulumi.eu.yaml", "eu")).total
    assert re.search(rf"total\s.*{re.escape(str(cost))}", done.stdout), "of the new stack, in its own region"
    for line in ("pulumi stack init eu", "pulumi preview --stack eu", "pulumi up --stack eu"):
        assert f"  {line}\n" in done.stdout


def test_what_belongs_to_the_other_stack_alone_is_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--name", "green", "--like", "blue", "--allow", ME, "--yes", "--project", str(project)]) == 0
    text, said = (project / "Pulumi.green.yaml").read_text(), capsys.readouterr().out
    content = yaml.safe_load(text)
    assert list(content) == ["config"]
    for secret in ("secure", "v1:", "bm90", "c2VjcmV0", "salt"):
        assert secret not in text
        assert secret not in said
    for place in ("smtp.password", "contactPoints.slack"):
        assert f"pulumi config set --secret --stack green --path monitoring:{place}\n" in said
    assert "pulumi stack init green --secrets-provider 'awskms://alias/pulumi?region=eu-central-1'\n" in said
    for key in ("domain", "restoreFrom", "passwordGeneration"):
        assert f"Not copied from blue: monitoring:{key} (" in said
        assert f"monitoring:{key}" not in text
    assert content["config"]["monitoring:smtp"] == {
        "host": "mail.example.com",
        "user": "monitoring",
        "sender": "monitoring@example.com",
    }
    assert content["config"]["monitoring:tags"] == {"environment": "green", "team": "web"}
    assert content["config"]["aws:allowedAccountIds"] == ["123456789012"]


def test_comments_stay_with_their_settings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--name", "green", "--like", "blue", "--allow", ME, "--yes", "--project", str(project)]) == 0
    text = (project / "Pulumi.green.yaml").read_text()
    assert "  # A year, because the auditors ask for it.\n  monitoring:retention: 52w # since 2026\n" in text
    for gone in ("The office.", "Ours alone.", "What the team knows"):
        assert gone not in text
    assert text.startswith("# The stack green, created from blue by `make new-stack`.")
    # The region is the same, so that settings with regional resources are copied.
    assert "  monitoring:sshKeyName: team\n" in text


def test_what_belongs_to_a_region_stays_in_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--name", "us", "--like", "blue", "--region", "us-east-1", "--allow", ME, "--yes"]
    assert command.main([*arguments, "--project", str(project)]) == 0
    assert "monitoring:ssh" not in (project / "Pulumi.us.yaml").read_text()
    assert "monitoring:sshKeyName (it belongs to eu-central-1)" in capsys.readouterr().out


def test_a_private_stack_stays_private_in_its_region(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private = "  monitoring:subnetId: subnet-0123456789abcdef0\n  monitoring:publicAddress: false\n"
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write(private)
    for name, region in (("here", "eu-central-1"), ("there", "us-east-1")):
        arguments = ["--name", name, "--region", region, "--allow", ME, "--yes", "--project", str(project)]
        assert command.main(arguments) == 0
    assert private in (project / "Pulumi.here.yaml").read_text()
    assert "publicAddress" not in (project / "Pulumi.there.yaml").read_text()
    said = capsys.readouterr().out
    assert "monitoring:publicAddress (it needs a private subnet: the new stack gets a public address unless" in said


def test_hosts_are_not_copied(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    host = f"{{ name: web-1, address: web-1.example.com, user: admin, hostKey: {key}, privateKey: {{ secure: v1:a }} }}"
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"  monitoring:hosts: [{host}]\n")
    assert command.main(["--name", "two", "--allow", ME, "--yes", "--project", str(project)]) == 0
    assert "web-1" not in (project / "Pulumi.two.yaml").read_text()
    said = capsys.readouterr().out
    assert "monitoring:hosts (a machine's agent sends to one stack only" in said
    assert "config set --secret" not in said


def test_agents_that_send_elsewhere_are_not_asked_about(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dev = (project / "Pulumi.dev.yaml").read_text()
    file = "".join(
        line for line in dev.splitlines(keepends=True) if "agentCidrs" not in line and "retention" not in line
    )
    influxdb = "{ url: 'https://influx.example.com:8086', username: agents, password: { secure: v1:abc } }"
    (project / "Pulumi.dev.yaml").write_text(f"{file}  monitoring:influxdb: {influxdb}\n")
    assert command.main(["--name", "two", "--allow", ME, "--yes", "--project", str(project)]) == 0
    config = yaml.safe_load((project / "Pulumi.two.yaml").read_text())["config"]
    assert "monitoring:agentCidrs" not in config
    assert config["monitoring:influxdb"] == {"url": "https://influx.example.com:8086", "username": "agents"}
    assert "--path monitoring:influxdb.password" in capsys.readouterr().out


def test_agents_that_send_elsewhere_cannot_be_given(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write("  monitoring:influxdb: { url: 'https://a.example.com', username: a, password: { secure: v1:a } }\n")
    arguments = ["--name", "two", "--allow", ME, "--agents", ME, "--yes", "--project", str(project)]
    assert command.main(arguments) == 1
    assert "AGENTS has no effect: agents of a stack like dev send to its own influxdb." in capsys.readouterr().err
    assert not (project / "Pulumi.two.yaml").exists()


def test_every_setting_that_is_not_copied_exists() -> None:
    """Otherwise a renamed setting would be copied."""
    names = {field.alias or name for name, field in Settings.model_fields.items()}
    assert {*content.ALONE, *content.OF_A_REGION, "publicAddress"} <= names


@pytest.mark.parametrize(
    ("backups", "taken"),
    [("", False), ("{ enabled: true }", False), ("{ enabled: false }", True), ('{ enabled: "false" }', True)],
)
def test_only_a_stack_with_backups_needs_a_name_that_a_bucket_can_have(
    project: Path, capsys: pytest.CaptureFixture[str], backups: str, taken: bool
) -> None:
    text = "".join(
        line
        for line in (project / "Pulumi.dev.yaml").read_text().splitlines(keepends=True)
        if "monitoring:backups" not in line
    )
    (project / "Pulumi.dev.yaml").write_text(text + (f"  monitoring:backups: {backups}\n" if backups else ""))
    assert command.main(["--name", "_a", "--allow", ME, "--yes", "--project", str(project)]) == (0 if taken else 1)
    assert (project / "Pulumi._a.yaml").exists() is taken


def test_the_size_is_written_unless_it_is_the_default(project: Path) -> None:
    dev = (project / "Pulumi.dev.yaml").read_text()
    assert "instanceType" not in dev
    for like, size, in_file in (
        (dev, "t4g.small", False),
        (dev, "t4g.large", True),
        (f"{dev}  monitoring:instanceType: t4g.large\n", "t4g.small", True),
    ):
        (project / "Pulumi.dev.yaml").write_text(like)
        arguments = ["--name", "two", "--allow", ME, "--size", size, "--yes", "--project", str(project)]
        assert command.main(arguments) == 0
        made = project / "Pulumi.two.yaml"
        assert ("instanceType" in made.read_text()) is in_file
        assert read(made, "two").settings()[0].instance_type == size
        made.unlink()


def test_a_file_that_cannot_be_created_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to remove then."""
    usual = Path.open

    def opened(path: Path, mode: str = "r", **more: Any) -> Any:
        if mode == "x":
            raise OSError(errno.EROFS, "Read-only file system")
        return usual(path, mode, **more)

    monkeypatch.setattr(Path, "open", opened)
    assert command.main(["--name", "two", "--allow", ME, "--yes", "--project", str(project)]) == 1
    assert "cannot be written (Read-only file system); nothing was written." in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_removed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the disk is full, half a file would block the next attempt."""
    full = Path.open

    def opened(path: Path, mode: str = "r", **more: Any) -> Any:
        file = full(path, mode, **more)
        return full(Path("/dev/full"), "w") if mode == "x" else file

    monkeypatch.setattr(Path, "open", opened)
    assert command.main(["--name", "two", "--allow", ME, "--yes", "--project", str(project)]) == 1
    assert "cannot be written (No space left on device); nothing was written." in capsys.readouterr().err
    assert not (project / "Pulumi.two.yaml").exists()


def test_a_file_that_somebody_else_has_just_written_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = project / "Pulumi.two.yaml"
    monkeypatch.setattr(command, "_print_made", lambda *_: target.write_text("somebody's"))
    assert command.main(["--name", "two", "--allow", ME, "--yes", "--project", str(project)]) == 1
    assert "was created in the meantime; nothing was written." in capsys.readouterr().err
    assert target.read_text() == "somebody's"


@pytest.mark.parametrize(("public", "suggested"), [("true", "8.8.8.8/32"), ("false", ""), ('"false"', "")])
def test_no_public_address_is_suggested_for_a_private_stack(
    project: Path, monkeypatch: pytest.MonkeyPatch, public: str, suggested: str
) -> None:
    """Nobody connects to it from a public address."""
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"  monitoring:subnetId: subnet-0123456789abcdef0\n  monitoring:publicAddress: {public}\n")
    asked: dict[str, str] = {}

    def ask(question: str, default: str = "", **_: Any) -> str:
        asked[question] = default
        return default or ME

    monkeypatch.setattr(questions, "offered", lambda _: ("8.8.8.8/32",))
    monkeypatch.setattr(Prompt, "ask", ask)
    monkeypatch.setattr(Confirm, "ask", lambda *_, **__: True)
    given = Namespace(name="two", like="", region="", allow="", agents="", size="", yes=False, project=project)
    assert command.ask_and_write(given, terminal=True) == 0
    assert asked == {
        "AWS region": "eu-central-1",
        "EC2 instance type": "t4g.small",
        "IPv4 ranges that may open Grafana and run `pulumi up`": suggested,
        "IPv4 ranges that agents send data from": suggested or ME,
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", "x", "--allow", " , "], "Enter at least one IPv4 range, such as 203.0.113.7/32"),
        (["--name", "dev"], "Pulumi.dev.yaml already exists"),
        (["--name", "DEV"], "Pulumi.DEV.yaml already exists"),
        (["--name", ""], "'' is not a valid stack name"),
        (["--name", "../dev2"], "'../dev2' is not a valid stack name"),
        (["--name", "a..b"], "the stack's name a..b: "),
        (["--name", "x" * 37], "has 37 characters"),
        (
            ["--name", "x", "--like", "nix"],
            "There is no Pulumi.nix.yaml; stacks with a file here: blue, dev, prod.",
        ),
        (["--name", "x", "--allow", "0.0.0.0/0"], "0.0.0.0/0 would admit 4,272,881,664 addresses"),
        (["--name", "x", "--allow", "198.51.100.7"], "write 198.51.100.7/32 if you mean this one address"),
        (["--name", "x", "--allow", f"{ME},,{ME}"], "twice"),
        (["--name", "x", "--agents", "0.0.0.0/1"], "0.0.0.0/1 would admit"),
        (["--name", "x", "--region", "eu-cental-1"], "did you mean eu-central-1?"),
        (["--name", "x", "--size", "huge"], "is not an EC2 instance type"),
    ],
)
def test_what_is_refused(project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    before = sorted(each.name for each in project.iterdir())
    allow = [] if "--allow" in arguments else ["--allow", ME]
    assert command.main([*arguments, *allow, "--yes", "--project", str(project)]) == 1
    assert says in capsys.readouterr().err
    assert sorted(each.name for each in project.iterdir()) == before


@pytest.mark.slow
def test_the_allowed_networks_are_required(project: Path) -> None:
    done = make(project, NAME="eu", YES="1")
    assert done.returncode != 0
    assert "Set ALLOW to the IPv4 ranges that may connect, such as ALLOW=203.0.113.7/32" in done.stderr
    assert "This is not a terminal" in make(project, NAME="eu", ALLOW=ME).stderr
    assert not (project / "Pulumi.eu.yaml").exists()


def test_mistakes_in_the_other_stack_are_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write("  monitoring:bootTimeout: soon\n")
    assert command.main(["--name", "x", "--allow", ME, "--yes", "--project", str(project)]) == 1
    assert 'monitoring:bootTimeout = "soon": is not a duration' in capsys.readouterr().err


def at_a_terminal(project: Path, *arguments: str, **environment: str) -> Terminal:
    return Terminal(
        [sys.executable, "-m", "tools.new_stack", "--project", str(project), *arguments],
        ROOT,
        without_network() | environment,
    )


@pytest.mark.slow
def test_after_a_wrong_answer_the_question_is_repeated(project: Path) -> None:
    terminal = at_a_terminal(project, "--name", "eu")
    terminal.answer("AWS region (eu-central-1): ", "eu-west1")
    terminal.expect("did you mean eu-west-1?")
    terminal.answer("AWS region (eu-central-1): ", "eu-west-1")
    terminal.answer("EC2 instance type (t4g.small): ", "")
    terminal.answer("IPv4 ranges that may open Grafana and run `pulumi up`: ", "198.51.100.7")
    terminal.expect("write 198.51.100.7/32 if you mean this one address")
    terminal.answer("run `pulumi up`: ", "0.0.0.0/0")
    terminal.expect("would admit 4,272,881,664 addresses")
    terminal.answer("run `pulumi up`: ", ME)
    terminal.answer(f"IPv4 ranges that agents send data from ({ME}): ", "203.0.113.0/25")
    terminal.expect("total")
    terminal.answer("Write Pulumi.eu.yaml? [y/n] (y): ", "")
    assert terminal.ended() == 0, terminal.said
    settings, _ = read(project / "Pulumi.eu.yaml", "eu").settings()
    assert settings.region == "eu-west-1"
    assert [*map(str, settings.agent_cidrs)] == ["203.0.113.0/25"]
    assert "instanceType" not in (project / "Pulumi.eu.yaml").read_text()
    assert "pulumi stack init eu" in terminal.said


@pytest.mark.slow
def test_the_address_of_the_ssh_client_is_offered(project: Path) -> None:
    terminal = at_a_terminal(
        project, "--name", "eu", "--region", "eu-west-1", "--size", "t4g.small", SSH_CLIENT="8.8.4.4 5 22"
    )
    terminal.answer("run `pulumi up` (8.8.4.4/32): ", "")
    terminal.answer("agents send data from (8.8.4.4/32): ", "")
    terminal.answer("Write Pulumi.eu.yaml?", "y")
    assert terminal.ended() == 0, terminal.said
    assert "operatorCidrs: [8.8.4.4/32]" in (project / "Pulumi.eu.yaml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["n", pytest.param("\x03", id="Ctrl-C"), pytest.param("\x04", id="Ctrl-D")])
def test_without_a_final_yes_nothing_is_written(project: Path, answer: str) -> None:
    terminal = at_a_terminal(
        project, "--name", "eu", "--region", "eu-west-1", "--size", "t4g.small", "--allow", ME, "--agents", ME
    )
    terminal.answer("Write Pulumi.eu.yaml?", answer)
    assert terminal.ended() == 1
    assert "Nothing was written." in terminal.said
    assert "Traceback" not in terminal.said
    assert not (project / "Pulumi.eu.yaml").exists()


@pytest.fixture(scope="module")
def checkip() -> Iterator[tuple[list[bytes], str]]:
    """A stand-in for AWS's checkip. Yields a list with what it answers, which a test can change, and its address."""
    answer = [b""]
    with served(lambda _: answer[0]) as url:
        yield answer, url


@pytest.mark.parametrize(
    ("answer", "ssh", "expected"),
    [
        (b"8.8.8.8\n", "", ("8.8.8.8/32",)),
        (b"8.8.8.8\n", "8.8.4.4 50000 22", ("8.8.4.4/32", "8.8.8.8/32")),
        (b"8.8.8.8\n", "8.8.8.8 50000 22", ("8.8.8.8/32",)),
        (b"8.8.8.8\n", "10.1.2.3 50000 22", ("8.8.8.8/32",)),
        (b"<html>please log in</html>", "", ()),
        (b"2001:db8::1\n", "fe80::1%eth0 1 22", ()),
        (b"10.0.0.1", "", ()),
    ],
)
def test_only_public_addresses_are_offered(
    checkip: tuple[list[bytes], str], answer: bytes, ssh: str, expected: tuple[str, ...]
) -> None:
    answers, url = checkip
    answers[0] = answer
    assert offered({"SSH_CLIENT": ssh}, url) == expected


def test_without_network_access_no_address_is_offered() -> None:
    assert offered({}, f"{NOWHERE}/") == ()


def test_a_file_is_cut_into_its_settings() -> None:
    found = blocks(LIKE)
    assert list(found) == list(parse(LIKE, "blue", "Pulumi.blue.yaml").config)
    assert found["monitoring:agentCidrs"] == "  monitoring:agentCidrs:\n  - 203.0.113.0/24"
    assert found["monitoring:operatorCidrs"].startswith("  # The office.\n")
    assert "sender" in found["monitoring:smtp"]
    assert "encryptionsalt" not in found["monitoring:tags"]
    assert blocks("config: { aws:region: eu-central-1 }\n") == {}


def test_a_setting_is_cut_out_with_its_own_comments_and_empty_lines() -> None:
    text = """\
# Of the file.
config:
# Of no setting.
  # Of the first.
  # More of it.
  a: |
    one

    two
    # A part of the text.
  # Of the second.
  b:
  - 1

  - 2
"""
    first = "  # Of the first.\n  # More of it.\n  a: |\n    one\n\n    two\n    # A part of the text."
    assert blocks(text) == {"a": first, "b": "  # Of the second.\n  b:\n  - 1\n\n  - 2"}
    assert blocks("# Of the setting.\n  a: 1\n") == blocks("[config]\n") == blocks("") == {}
    assert blocks("config:\n# Its own.\na: 1\n") == {}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "  k: true"),
        ("a: b", "  k: 'a: b'"),
        ("Zürich", "  k: Zürich"),
        (["b", "a"], "  k: [b, a]"),
        ({"b": 1, "a": "x y"}, "  k: {b: 1, a: x y}"),
        ("word " * 50 + "end", f"  k: {'word ' * 50}end"),
        (["x" * 90, "y" * 90], f"  k: [{'x' * 90}, {'y' * 90}]"),
        ([{"b": "Zürich", "a": "word " * 50 + "end"}], f"  k:\n  - b: Zürich\n    a: {'word ' * 50}end"),
        ({"b": [1], "a": {}}, "  k:\n    b:\n    - 1\n    a: {}"),
    ],
)
def test_a_setting_is_written_as_people_write_it(value: Any, shown: str) -> None:
    assert written("k", value) == shown
    assert yaml.safe_load(shown) == {"k": value}


@pytest.mark.parametrize("name", ["dev", "a.b", "x" * 36, "_a", "a b", "a/b", ""])
def test_no_name_that_a_bucket_takes_is_refused_by_pulumi(name: str) -> None:
    """The program's rule is the stricter one."""
    assert wrong_for_a_bucket(name) or stack_name.is_valid(name)
