"""The agents' installer and the Telegraf configuration in it."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import toolchain
from settings import Inputs
from settings import values as v
from tests.userdata.examples import AGENT, CA, agent_config, shellcheck
from userdata.agents import ByTag, agent_installer


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'"), min_size=1))
@settings(max_examples=settings().max_examples // 4)
def test_no_password_breaks_out_of_the_installer(password: str) -> None:
    script = agent_installer(replace(AGENT, password=password))
    line = next(line for line in script.splitlines() if line.startswith("INFLUX_PASSWORD="))
    assert line == f"INFLUX_PASSWORD='{password}'"
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_the_installer_passes_shellcheck_and_contains_its_configuration() -> None:
    script = agent_installer(AGENT)
    shellcheck(script)
    assert CA in script
    config = script.partition("| put 644 $config\n")[2].partition("END_OF_FILE")[0]
    output = tomllib.loads(config)["outputs"]["influxdb"][0]
    assert output["urls"] == ["https://203.0.113.200:8086"]
    assert "the-password" not in config


INPUTS = Inputs.model_validate(
    {
        "nginx": {},
        "postgresql": {"password": "of-postgresql"},
        "redis": {"password": "of-redis"},
        "docker": {},
        "systemdUnits": {"units": ["ssh.service", "nginx*"]},
        "ping": {"targets": ["198.51.100.1"]},
        "httpResponse": {"urls": ["https://www.example.com"]},
    }
)
"""Every input."""
HOST = replace(AGENT, host="db-1", tags={"role": "data base"}, inputs=INPUTS)


def test_the_configuration_has_the_host_s_name_tags_and_inputs() -> None:
    config = tomllib.loads(agent_config(HOST))
    assert config["agent"]["hostname"] == "db-1"
    assert config["global_tags"] == {"role": "data base"}
    assert {*("nginx", "postgresql", "redis", "docker", "systemd_units", "ping", "http_response")} <= set(
        config["inputs"]
    )
    assert config["inputs"]["systemd_units"][0]["pattern"] == "ssh.service nginx*"
    shellcheck(agent_installer(HOST))
    by_tag = ByTag("eu-central-1", "/monitoring/prod/x", "/monitoring/prod/y")
    shellcheck(agent_installer(replace(AGENT, password="", second=AGENT.target, by_tag=by_tag)))


def test_without_inputs_a_host_measures_itself_and_its_agent() -> None:
    config = tomllib.loads(agent_config(AGENT))
    assert set(config["inputs"]) == {
        *("cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "kernel", "exec", "internal")
    }
    assert "global_tags" not in config
    script = agent_installer(replace(AGENT, host="web-1"))
    assert "group docker" not in script
    assert "Groups=docker" not in script


def test_the_buffer_holds_over_an_hour_of_a_host_s_metrics() -> None:
    """A plain host has 45 per interval: tests/live/test_agents.py counts them."""
    limit = tomllib.loads(agent_config(AGENT))["agent"]["metric_buffer_limit"]
    assert limit >= 10 * 60 / v.seconds("10s") * 45 * 10


def test_passwords_are_only_in_the_environment_file() -> None:
    script = agent_installer(HOST)
    assert "of-redis" not in agent_config(HOST)
    assert "of-postgresql" not in agent_config(HOST)
    private = script.partition("put 640 /etc/default/telegraf <<'END_OF_FILE'\n")[2].partition("END_OF_FILE")[0]
    assert private == (
        "INFLUX_PASSWORD='the-password'\nPOSTGRESQL_PASSWORD='of-postgresql'\nREDIS_PASSWORD='of-redis'\n"
    )
    for password in ("the-password", "of-postgresql", "of-redis"):
        assert script.count(password) == 1


def test_telegraf_itself_accepts_every_input(tmp_path: Path) -> None:
    telegraf = toolchain.binaries() / "telegraf"
    if not telegraf.exists():
        pytest.skip("the toolchain is not built")
    file = tmp_path / "telegraf.conf"
    file.write_text(agent_config(replace(HOST, target=replace(HOST.target, private_ca=False))))
    environment = {"INFLUX_PASSWORD": "a", "POSTGRESQL_PASSWORD": "b", "REDIS_PASSWORD": "c"}
    result = subprocess.run(
        [telegraf, "config", "check", "--config", str(file)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("counts", "lines"),
    [
        ({"sda1": 0, "dm-0": 3}, ["ext4,device=dm-0,host=web-1 errors=3", "ext4,device=sda1,host=web-1 errors=0"]),
        ({}, []),
    ],
    ids=["two file systems", "a host without ext4"],
)
def test_telegraf_reads_the_errors_of_each_ext4_file_system(
    tmp_path: Path, counts: dict[str, int], lines: list[str]
) -> None:
    for device, count in counts.items():
        (tmp_path / device).mkdir()
        (tmp_path / device / "errors_count").write_text(f"{count}\n")
    (tmp_path / "features").mkdir()
    _, found, rest = agent_config(AGENT).partition("[[inputs.exec]]")
    config = tmp_path / "telegraf.conf"
    asked = rest.partition("\n[[")[0].replace("/sys/fs/ext4", str(tmp_path))
    config.write_text(f'[agent]\nhostname = "web-1"\n[[outputs.discard]]\n{found}{asked}\n')
    telegraf = toolchain.binaries() / "telegraf"
    if not telegraf.exists():
        pytest.skip("the toolchain is not built")
    result = subprocess.run(
        [telegraf, "--config", str(config), "--test"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "E!" not in result.stderr
    assert sorted(line.removeprefix("> ").rpartition(" ")[0] for line in result.stdout.splitlines()) == lines


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60))
def test_no_tag_breaks_out_of_toml_s_quotes(value: str) -> None:
    config = tomllib.loads(agent_config(replace(AGENT, tags={"role": value})))
    assert config["global_tags"] == {"role": value}


@pytest.mark.parametrize(
    ("user", "release", "wrong"),
    [
        ("1000", "ID=debian", "must be run by root"),
        ("0", 'ID=opensuse-leap\nID_LIKE="suse opensuse"', "only Debian, Ubuntu, RHEL"),
        ("0", "ID=rhelish", "only Debian, Ubuntu, RHEL"),
        ("0", 'ID=amzn\nID_LIKE="centos rhel fedora"', "without dnf, which is too old"),
    ],
)
def test_the_installer_refuses_other_users_and_systems(user: str, release: str, wrong: str) -> None:
    script = agent_installer(AGENT).replace("$(id -u)", user)
    script = script.replace(". /etc/os-release 2>/dev/null", f". /dev/stdin <<<'{release}'")
    script = script.replace('command -v "$manager"', 'command -v "/nowhere/$manager"')
    result = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert wrong in result.stderr
    assert result.stdout == ""
