"""The variables of the agents' installer on machines that Pulumi does not know, and its two other forms: user data and
an Ansible role."""

from __future__ import annotations

import base64
import gzip
import io
import random
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from settings.hosts import MOST_TAGS, RESERVED_TAGS, checked_name, checked_tags
from settings.mistakes import WrongValueError
from tests.userdata.examples import AGENT, TARGET, shellcheck
from tests.userdata.test_installer_output import install, work
from userdata.agents import agent_installer
from userdata.bulk import ansible_role, cloud_config
from userdata.templates import FOLDER

__all__ = ["work"]

SCRIPT = agent_installer(AGENT)
ROLE_S = agent_installer(replace(AGENT, password="", without_password=True))
EC2_LIMIT = 16384
"""docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""


def variables(**given: str) -> str:
    """Assignments of the installer's variables MONITORING_…"""
    return "".join(f"MONITORING_{name}={_quoted(value)}\n" for name, value in given.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def own_settings(**given: str) -> subprocess.CompletedProcess[str]:
    """Run only the part that reads the variables; it prints the file that Telegraf would get."""
    script = SCRIPT.replace('{ main "$@"; }', 'tags_and_inputs; printf %s "$settings"; printf %s "$rights" >&2')
    script = script.replace("getent group docker", "true")
    return subprocess.run(
        ["bash"], input=variables(**given) + script, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "name",
    [
        *("web-1", "a", "A.b_c-9", "x" * 63, "x" * 64, "-a", "a-", "a.", "ä", "a b", "a\n", "a/b"),
        *("All", "all", "All-1", "monitoring", "monitoring-1", "MONITORING-1"),
    ],
)
def test_a_host_s_name_is_checked_as_in_the_setting_hosts(name: str) -> None:
    script = SCRIPT.replace('{ main "$@"; }', "removal() { :; }; name=$MONITORING_HOST; variables remove")
    done = subprocess.run(
        ["bash"], input=variables(HOST=name) + script, capture_output=True, text=True, check=False, timeout=60
    )
    try:
        checked_name(name)
    except WrongValueError:
        assert done.returncode == 1
        assert done.stderr.startswith("monitoring: MONITORING_HOST")
    else:
        assert done.returncode == 0, done.stderr


def accepted(tags: dict[str, str]) -> bool:
    """Whether a host of the setting `hosts` may have these tags."""
    try:
        checked_tags(tags)
    except WrongValueError:
        return False
    return True


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0,"), max_size=140))
@settings(max_examples=settings().max_examples // 10)
@example('Bad Ö, "quoted" 100%'.replace(",", ""))
@example("a" * 128)
@example("ö" * 128)
@example("ö" * 129)
@example("a$b")
@example("a\\")
@example("")
@example("'`!{x}=")
def test_a_tag_s_value_is_checked_as_in_the_setting_hosts(value: str) -> None:
    """bash accepts a few more values than the settings, because it considers more characters printable than Python."""
    done = own_settings(TAGS=f"role={value}")
    if accepted({"role": value}):
        assert done.returncode == 0, done.stderr
    if done.returncode == 0:
        assert tomllib.loads(done.stdout) == {"global_tags": {"role": value}}
        assert not re.search(r"[$\\\n]", value)
    else:
        assert "monitoring: MONITORING_TAGS: 'role' has a value that a tag cannot have" in done.stderr


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ("role", "'role' is not a tag; write name=value"),
        ("role=web,,", "'' is not a tag"),
        ("role=a,b", "'b' is not a tag"),
        ("1st=x", "'1st=x' is not a tag"),
        ("a-b=x", "'a-b=x' is not a tag"),
        ("=x", "'=x' is not a tag"),
        ("role=", "'role' has a value that a tag cannot have"),
        ("role=a\nb=c", "'role' has a value that a tag cannot have"),
        ("role=a,Role=b", "'Role' is used by Telegraf's inputs or the dashboards, or twice"),
        *((f"{name}=x", f"'{name}' is used by Telegraf's inputs") for name in ("Device", "time", "State", "uptime")),
        (",".join(f"t{number}=x" for number in range(MOST_TAGS + 1)), f"more than {MOST_TAGS} tags"),
    ],
)
def test_a_wrong_tag_is_refused(tags: str, wrong: str) -> None:
    done = own_settings(TAGS=tags)
    assert done.returncode == 1
    assert wrong in done.stderr
    assert done.stderr.count("monitoring: ") == 1


def test_reserved_tags_are_those_of_the_setting_hosts() -> None:
    assert RESERVED_TAGS
    assert [name for name in RESERVED_TAGS if f" {name} " not in SCRIPT] == []


def test_inputs_get_the_permissions_they_need() -> None:
    text = "[[inputs.docker]]\n[[inputs.ping]]\nurls = ['192.0.2.1']"
    done = own_settings(INPUTS=text, TAGS="role=web")
    found = tomllib.loads(done.stdout)
    assert found == {"inputs": {"docker": [{}], "ping": [{"urls": ["192.0.2.1"]}]}, "global_tags": {"role": "web"}}
    assert done.stderr.splitlines() == [
        "[Service]",
        "SupplementaryGroups=docker",
        "CapabilityBoundingSet=CAP_NET_RAW",
        "AmbientCapabilities=CAP_NET_RAW",
    ]
    assert (own_settings().stdout, own_settings().stderr) == ("", "")


# --- Whole runs


def test_a_run_writes_what_it_is_given_and_a_check_writes_nothing(work: Path) -> None:
    credentials = "INFLUX_PASSWORD='secret-of-influxdb'"
    shown = (
        "\ncat /etc/default/telegraf /etc/telegraf/telegraf.d/host.conf; grep ^hostname /etc/telegraf/telegraf.conf\n"
    )
    given = variables(HOST="shop-1", TAGS="role=web", INPUTS="[[inputs.ntpq]]", CREDENTIALS=credentials)
    done = install(work, given + ROLE_S + shown)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{credentials}\n[[inputs.ntpq]]" in done.stdout
    assert '[global_tags]\nrole = "web"\n' in done.stdout
    assert 'hostname = "shop-1"' in done.stdout
    assert "nothing to change" not in done.stdout
    looked = install(work, given + ROLE_S, "", "check")
    assert looked.returncode == 0, looked.stderr[-2000:]
    assert looked.stdout.startswith("monitoring: would change: telegraf=1.39.3-1 /etc/telegraf/telegraf.conf ")
    assert looked.stdout.count("\n") == 1
    assert "apt-get" not in looked.stderr


def test_a_removal_of_nothing_changes_nothing(work: Path) -> None:
    for arguments in (("remove",), ("check", "remove")):
        done = install(work, SCRIPT, "", *arguments)
        assert (done.returncode, done.stdout) == (0, "monitoring: nothing to change\n")
        assert "apt-get" not in done.stderr


@pytest.mark.parametrize(
    ("given", "arguments", "wrong"),
    [
        ({}, (), "the credentials have no INFLUX_PASSWORD"),
        ({"CREDENTIALS": "INFLUX_PASSWORD=a", "HOST": "web 1"}, (), "not 'web 1'"),
        ({"CREDENTIALS": "INFLUX_PASSWORD=a", "HOST": "a" * 64}, ("check",), "up to 63 letters"),
        ({"CREDENTIALS": "INFLUX_PASSWORD=a", "HOST": "Monitoring-1"}, (), "'Monitoring-1' is reserved"),
        ({"CREDENTIALS": "INFLUX_PASSWORD=a", "HOST": "All"}, ("remove",), "'All' is reserved"),
        ({"CREDENTIALS": "INFLUX_PASSWORD=a"}, ("uninstall",), "'uninstall' is none of: remove, check, check remove"),
    ],
)
def test_wrong_variables_and_arguments_are_refused(
    work: Path, given: dict[str, str], arguments: tuple[str, ...], wrong: str
) -> None:
    done = install(work, variables(**given) + ROLE_S, "", *arguments)
    assert done.returncode == 1
    assert wrong in done.stderr
    assert done.stderr.count("monitoring: ") == 1
    assert "apt-get" not in done.stderr


@pytest.mark.parametrize("own", ["monitoring-prod", "All"])
def test_a_machine_s_own_reserved_name_is_refused(work: Path, own: str) -> None:
    """Its measurements would count as the server's, or as every host's. The agent can still be removed."""
    script = f"uname() {{ echo {own}; }}\n" + agent_installer(replace(AGENT, host=""))
    done = install(work, script)
    assert done.returncode == 1
    assert f"monitoring: this machine's name, '{own}', is reserved; choose another with MONITORING_HOST" in done.stderr
    assert "apt-get" not in done.stderr
    assert install(work, variables(HOST="gate-1") + script).returncode == 0
    assert install(work, script, "", "remove").returncode == 0


@pytest.mark.slow
def test_while_a_stack_moves_both_passwords_are_required() -> None:
    moving = replace(AGENT, second=TARGET, second_password="it's another", without_password=True)
    assert moving.credentials == "INFLUX_PASSWORD='the-password'\nINFLUX_PASSWORD_OTHER=\"it's another\"\n"
    script = agent_installer(moving)
    assert '"^INFLUX_PASSWORD=."' in script and '"^INFLUX_PASSWORD_OTHER=."' in script
    shellcheck(script)


# --- User data


def test_user_data_contains_the_installer_and_fits() -> None:
    # As long as a certificate with a 2048-bit RSA key, and as incompressible.
    ca = base64.encodebytes(random.Random(1).randbytes(900)).decode()  # noqa: S311
    text = cloud_config(agent_installer(replace(AGENT, password="p" * 32, ca=ca)))
    assert text.startswith("#cloud-config\n")
    assert len(text.encode()) <= EC2_LIMIT - 512
    content: dict[str, Any] = yaml.safe_load(text)
    (file,) = content["write_files"]
    assert (file["permissions"], file["encoding"]) == ("0600", "gz+b64")
    assert content["runcmd"] == [f"MONITORING_HOST='' MONITORING_TAGS='' bash {file['path']}"]
    assert file["path"].startswith("/run/"), "a password is not kept on the disk"
    assert base64.b64decode(file["content"])[4:8] == bytes(4), "gzip's own time (RFC 1952) would be a change each time"


@pytest.mark.slow
def test_without_its_comments_the_installer_does_the_same(work: Path) -> None:
    """Scripts inside it keep their first line, `#!`."""
    content = yaml.safe_load(cloud_config(SCRIPT))["write_files"][0]["content"]
    shown = "\nhead -n 1 /etc/telegraf/measure; cat /etc/default/telegraf\n"
    done = install(work, gzip.decompress(base64.b64decode(content)).decode() + shown)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("#!/bin/sh\nINFLUX_PASSWORD='the-password'\n")


# --- Ansible


@pytest.fixture(scope="module")
def role() -> Iterator[dict[str, str]]:
    """The role's files."""
    packed = gzip.decompress(base64.b64decode(ansible_role(ROLE_S)))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        yield {each.name: archive.extractfile(each).read().decode() for each in archive}  # type: ignore[union-attr]


def test_the_role_is_complete_and_contains_no_password(role: dict[str, str]) -> None:
    files = ("README.md", "defaults/main.yml", "files/install.sh", "meta/argument_specs.yml", "tasks/main.yml")
    assert set(role) == {f"monitoring_agent/{file}" for file in files}
    assert role["monitoring_agent/files/install.sh"] == ROLE_S
    assert AGENT.password not in "".join(role.values())


def test_the_role_depends_only_on_the_installer() -> None:
    packed = base64.b64decode(ansible_role(ROLE_S))
    assert packed[4:8] == bytes(4), "gzip's time stamp (RFC 1952)"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
        entries = archive.getmembers()
    assert {(each.mtime, each.uid, each.gid, each.uname, each.mode) for each in entries} == {(0, 0, 0, "", 0o644)}
    names = [each.name for each in entries]
    assert names == sorted(names)


def test_the_role_describes_each_of_its_variables(role: dict[str, str]) -> None:
    defaults = yaml.safe_load(role["monitoring_agent/defaults/main.yml"])
    described = yaml.safe_load(role["monitoring_agent/meta/argument_specs.yml"])["argument_specs"]["main"]["options"]
    listed = re.findall(r"^\| `(\w+)` \|", role["monitoring_agent/README.md"], re.MULTILINE)
    assert set(defaults) == set(described) == set(listed)
    assert set(re.findall(r"monitoring_agent_(?!installer)\w+", role["monitoring_agent/tasks/main.yml"])) == set(
        defaults
    )
    assert (FOLDER / "ansible" / "tasks" / "main.yml").read_text() == role["monitoring_agent/tasks/main.yml"]
