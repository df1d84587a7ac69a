"""The rendered user data and installer: size, validity, and that no value can break out of its quotes."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.parameters import STANDARD_LIMIT
from sandbox import toolchain
from settings import Inputs, Settings, Smtp
from settings import values as v
from settings.model import GrafanaRepository, InfluxdataRepository
from userdata.agents import AgentValues, ByTag, agent_installer
from userdata.boot import BOOT_SCRIPT, LIMIT, BootValues, UserDataTooLargeError, boot_settings, user_data
from userdata.server_files import (
    ServerValues,
    backup_settings,
    longest_delay,
    server_files,
    server_settings,
    shard_duration,
)
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import toml, without_comments

TARGET = InfluxTarget("https://localhost:8086", "telegraf", "telegraf", private_ca=True)
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SERVER = ServerValues(
    host="203.0.113.200",
    machine="monitoring-prod",
    data_gib=20,
    boot_timeout=900,
    retention="30d",
    rollup_retention="360d",
    interval="10s",
    top_processes=0,
    region="eu-central-1",
    cloudwatch_role="",
    own_influxdb=True,
    managed_influxdb=False,
    influxdb_secret="",
    automation="pulumi-x1y2z3x1y2z3x1y2z3xy",
    reader="grafana",
    smtp=None,
    oauth=None,
    backups=backup_settings("eu-central-1", "monitoring-prod-backups-1a2b3c4", "prod", 0, ""),
    backup_schedule="04:00",
    target=TARGET,
)
SMTP = Smtp.model_validate(
    {"host": "smtp.example.com", "user": "AKIA", "password": "p", "sender": "monitoring@example.com"}
)
VALUES = BootValues(
    region="eu-central-1",
    parameters="/monitoring/prod",
    address="203.0.113.200",
    local_name="localhost",
    data_volume="vol-0123456789abcdef0",
    grafana_repository=GrafanaRepository(),
    influxdata_repository=InfluxdataRepository(),
    grafana_version="13.2.3",
    influxdb_version="1.12.4-1",
    telegraf_version="1.39.3-1",
)
AGENT = AgentValues(
    repository=InfluxdataRepository(),
    telegraf_version="1.39.3-1",
    interval="10s",
    target=replace(TARGET, url="https://203.0.113.200:8086"),
    password="the-password",
    ca=CA,
)
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


PARTS = ("firewall.sh", "influxdb.sh", "cloudwatch.sh", "grafana.sh", "telegraf.sh", "backups.sh")


def files() -> dict[str, str]:
    """What cloud-init would write, by path."""
    return {file["path"]: file["content"] for file in yaml.safe_load(user_data(VALUES))["write_files"]}


def shellcheck(script: str) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    # Comments, and with them the remarks to shellcheck, are gone: what they excuse is excused here.
    options = ["--shell=bash", "--exclude=SC1090,SC1091,SC2034,SC2086,SC2154"]
    result = subprocess.run(["shellcheck", *options, "-"], input=script, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_user_data_leaves_room_below_the_limit() -> None:
    assert len(user_data(VALUES).encode()) <= LIMIT - 256


def test_a_domain_of_full_length_still_fits() -> None:
    longest = f"{'a' * 60}.{'b' * 60}.example.org"
    assert len(user_data(replace(VALUES, local_name=longest)).encode()) <= LIMIT


def test_too_much_is_refused_naming_what_is_long() -> None:
    address = "https://mirror.example.com/" + "x" * 3900
    long = GrafanaRepository.model_validate({"url": address, "keyUrl": address})
    with pytest.raises(UserDataTooLargeError, match="GRAFANA_REPOSITORY"):
        user_data(replace(VALUES, grafana_repository=long))


def test_it_is_a_cloud_config_that_writes_files_and_starts_the_timer() -> None:
    text = user_data(VALUES)
    assert text.startswith("#cloud-config\n")
    content = yaml.safe_load(text)
    assert list(content) == ["write_files", "runcmd"]
    assert content["runcmd"] == ["systemctl enable --now monitoring-server.timer"]
    # 0644 is what cloud-init gives a file anyway.
    assert {file.get("permissions", "0644") for file in content["write_files"]} == {"0644", "0755"}


def test_the_boot_script_passes_shellcheck() -> None:
    script = files()[BOOT_SCRIPT]
    assert script.startswith("#!/bin/bash\nset -Eeuo pipefail\n")
    shellcheck(script)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_passes_shellcheck_and_fits_a_parameter(part: str) -> None:
    script = server_files(SERVER)[part]
    shellcheck(script)
    assert len(script.encode()) <= STANDARD_LIMIT


@pytest.mark.parametrize("script", [files()[BOOT_SCRIPT], *(server_files(SERVER)[part] for part in PARTS)])
def test_the_boot_script_never_traces(script: str) -> None:
    assert not re.search(r"set -\w*x|bash -\w*x|curl [^|\n]*(-v\b|--verbose|-k\b|--insecure|-u )", script)


def test_the_boot_script_is_bash() -> None:
    result = subprocess.run(["bash", "-n"], input=files()[BOOT_SCRIPT], text=True, check=False)
    assert result.returncode == 0


def test_the_configurations_are_valid() -> None:
    content = server_files(SERVER)
    tomllib.loads(content["telegraf.conf"])
    influxdb = tomllib.loads(content["influxdb.conf"])
    assert influxdb["http"]["auth-enabled"] is True
    assert influxdb["http"]["https-enabled"] is True
    assert influxdb["http"]["log-enabled"] is False
    assert influxdb["data"]["query-log-enabled"] is False
    assert influxdb["reporting-disabled"] is True
    grafana = configparser.RawConfigParser()
    grafana.read_string(content["grafana.ini"])
    assert grafana["server"]["protocol"] == "https"
    assert grafana["users"]["allow_sign_up"] == "false"
    assert grafana["auth.anonymous"]["enabled"] == "false"
    assert grafana["analytics"]["reporting_enabled"] == "false"
    assert grafana["security"]["cookie_secure"] == "true"
    assert grafana["security"]["secret_key"].startswith("$__file{/etc/grafana/")


def test_mail_is_encrypted_and_its_password_elsewhere() -> None:
    grafana = configparser.RawConfigParser()
    grafana.read_string(server_files(replace(SERVER, smtp=SMTP))["grafana.ini"])
    assert grafana["smtp"]["host"] == "smtp.example.com:587"
    assert grafana["smtp"]["startTLS_policy"] == "MandatoryStartTLS"
    assert grafana["smtp"]["password"] == "$__file{/etc/grafana/smtp-password}"
    assert grafana["aws"]["allowed_auth_providers"] == "keys"
    assert "[smtp]" not in server_files(SERVER)["grafana.ini"]


def test_telegraf_on_the_server_watches_influxdb_and_its_certificate() -> None:
    config = tomllib.loads(server_files(SERVER)["telegraf.conf"])
    assert config["agent"]["hostname"] == "monitoring-prod"
    assert {"cpu", "mem", "disk", "system", "influxdb", "x509_cert"} <= set(config["inputs"])
    (output,) = config["outputs"]["influxdb"]
    assert output["password"] == "${INFLUX_PASSWORD}"
    assert output["skip_database_creation"] is True
    assert output["tls_ca"] == "/etc/telegraf/ca.pem"
    assert config["inputs"]["cpu"][0]["percpu"] is False
    # From 1.45 on Telegraf takes nothing but lists (its plugins/inputs/exec/exec.go).
    commands = [command for each in config["inputs"]["exec"] for command in each["commands"]]
    assert len(commands) > 3
    assert all(isinstance(command, list) for command in commands)


def test_without_an_own_influxdb_nothing_of_it_is_there() -> None:
    content = server_files(replace(SERVER, own_influxdb=False, target=replace(TARGET, private_ca=False)))
    assert not {"influxdb.conf", "influxdb.sh"} & set(content)
    telegraf = content["telegraf.conf"]
    assert "tls_ca" not in telegraf
    assert "influxdb" not in tomllib.loads(telegraf)["inputs"]


@pytest.mark.parametrize(
    ("retention", "shard"),
    [("1h", "1h"), ("47h", "1h"), ("2d", "1d"), ("30d", "1d"), ("26w", "1d"), ("27w", "7d"), ("INF", "7d")],
)
def test_shards_are_never_longer_than_the_retention(retention: str, shard: str) -> None:
    assert shard_duration(retention) == shard


@pytest.mark.parametrize(
    ("interval", "seconds"), [("1s", 86400), ("10s", 86400), ("1m", 86400), ("5m", 300_000), ("1h", 3_600_000)]
)
def test_late_is_no_later_than_an_agent_s_buffer_holds(interval: str, seconds: int) -> None:
    agent = tomllib.loads(telegraf_config(TARGET, interval=interval, host="web-1", monitor=False))["agent"]
    assert longest_delay(interval) == seconds
    assert longest_delay(interval) > agent["metric_buffer_limit"] / 45 * v.seconds(interval), "of a plain host"


def test_down_sampling_knows_how_long_both_policies_keep_their_points() -> None:
    forever = replace(SERVER, retention="INF", rollup_retention="INF")
    century = str(2**63 // 10**9)
    assert "ROLLUP='2592000 31104000 86400'\n" in server_settings(SERVER)
    assert f"ROLLUP='{century} {century} 86400'\n" in server_settings(forever)


def test_the_scripts_read_every_variable_that_they_are_given() -> None:
    """A name that only one side has ends the boot: the scripts run with `set -u`."""
    files = server_files(SERVER)
    scripts = user_data(VALUES) + "".join(text for name, text in files.items() if name != "server.conf")
    scripts += files["server.conf"].removeprefix(server_settings(SERVER))
    given = boot_settings(VALUES) + server_settings(SERVER)
    names = [line.partition("=")[0] for line in given.splitlines()]
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"\b{name}\b(?!=)", scripts)] == []


def test_the_probe_trusts_the_authority_that_telegraf_trusts() -> None:
    files = server_files(SERVER)
    (output,) = tomllib.loads(files["telegraf.conf"])["outputs"]["influxdb"]
    assert f"TARGET_CA={output['tls_ca']}\n" in files["server.conf"]
    assert f" {output['tls_ca']} telegraf\n" in files["telegraf.sh"]
    public = replace(SERVER, target=replace(TARGET, private_ca=False))
    assert "TARGET_CA=''\n" in server_files(public)["server.conf"]


def test_comments_go_and_the_first_line_and_code_stay() -> None:
    assert without_comments("#!/bin/sh\n# a\n\necho '#b' # c\n  # d\n") == "#!/bin/sh\necho '#b' # c\n"
    assert without_comments("# only a title\nkey = 1\n") == "key = 1\n"


def sourced(text: str, name: str) -> str:
    """The value a shell gives a variable after reading the settings."""
    script = f'{text}\nprintf "%s." "${name}"'
    result = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={})
    return result.stdout.decode()[:-1]


@given(TEXT.filter(lambda text: "\x00" not in text))
@settings(max_examples=settings().max_examples // 4)
def test_no_value_breaks_out_of_the_shell_s_quotes(value: str) -> None:
    assert sourced(boot_settings(replace(VALUES, local_name=value)), "LOCAL_NAME") == value
    assert sourced(server_settings(replace(SERVER, machine=value)), "MACHINE") == value


@given(TEXT)
def test_no_value_breaks_out_of_toml_s_quotes(value: str) -> None:
    assert tomllib.loads(f"key = {toml(value)}")["key"] == value
    target = InfluxTarget(value, value, value, private_ca=False)
    config = tomllib.loads(telegraf_config(target, interval="10s", host=value, monitor=True))
    assert config["agent"]["hostname"] == value
    assert config["outputs"]["influxdb"][0]["urls"] == [value]
    assert config["outputs"]["influxdb"][0]["database"] == value


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'"), min_size=1))
@settings(max_examples=settings().max_examples // 4)
def test_no_password_breaks_out_of_the_installer(password: str) -> None:
    script = agent_installer(replace(AGENT, password=password))
    line = next(line for line in script.splitlines() if line.startswith("INFLUX_PASSWORD="))
    assert line == f"INFLUX_PASSWORD='{password}'"
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_the_installer_passes_shellcheck_and_holds_its_configuration() -> None:
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
"""Every preset."""
HOST = replace(AGENT, host="db-1", tags={"role": "data base"}, inputs=INPUTS)


def agent_config(values: AgentValues) -> str:
    """The Telegraf configuration that an installer writes."""
    found = re.search(r"<<'(\w+)' \| put 644 \$config\n(.*?\n)\1\n", agent_installer(values), re.DOTALL)
    assert found
    return found[2]


def test_a_host_has_its_name_its_tags_and_its_inputs() -> None:
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


def test_without_presets_a_host_measures_itself_and_its_agent() -> None:
    config = tomllib.loads(agent_config(AGENT))
    assert set(config["inputs"]) == {
        *("cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "kernel", "exec", "internal")
    }
    assert "global_tags" not in config
    script = agent_installer(replace(AGENT, host="web-1"))
    assert "group docker" not in script
    assert "Groups=docker" not in script


def test_ten_minutes_of_a_host_s_metrics_fit_into_the_buffer() -> None:
    """A plain host makes 45 an interval: tests/live/test_agents.py counts them."""
    limit = tomllib.loads(agent_config(AGENT))["agent"]["metric_buffer_limit"]
    assert limit >= 10 * 60 / v.seconds("10s") * 45 * 10


def test_passwords_are_in_the_environment_s_file_alone() -> None:
    script = agent_installer(HOST)
    assert "of-redis" not in agent_config(HOST)
    assert "of-postgresql" not in agent_config(HOST)
    private = script.partition("put 640 /etc/default/telegraf <<'END_OF_FILE'\n")[2].partition("END_OF_FILE")[0]
    assert private == (
        "INFLUX_PASSWORD='the-password'\nPOSTGRESQL_PASSWORD='of-postgresql'\nREDIS_PASSWORD='of-redis'\n"
    )
    for password in ("the-password", "of-postgresql", "of-redis"):
        assert script.count(password) == 1


def test_telegraf_itself_accepts_every_preset(tmp_path: Path) -> None:
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
def test_telegraf_reads_each_file_system_s_errors(tmp_path: Path, counts: dict[str, int], lines: list[str]) -> None:
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
def test_the_installer_refuses_what_it_cannot_do(user: str, release: str, wrong: str) -> None:
    script = agent_installer(AGENT).replace("$(id -u)", user)
    script = script.replace(". /etc/os-release 2>/dev/null", f". /dev/stdin <<<'{release}'")
    script = script.replace('command -v "$manager"', 'command -v "/nowhere/$manager"')
    result = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert wrong in result.stderr
    assert result.stdout == ""


def test_the_defaults_are_the_settings_own() -> None:
    assert Settings.model_fields["grafana_version"].default == VALUES.grafana_version
