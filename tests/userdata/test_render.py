"""The user data and the server's files: size, content, and that no value can break out of its quotes."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from settings import Settings, Smtp
from settings import values as v
from settings.model import GrafanaRepository
from tests.userdata.examples import SERVER, TARGET, VALUES, boot_files
from userdata.boot import BOOT_SCRIPT, LIMIT, UserDataTooLargeError, boot_settings, user_data
from userdata.server_files import longest_delay, server_files, server_settings, shard_duration
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import toml, without_comments

SMTP = Smtp.model_validate(
    {"host": "smtp.example.com", "user": "AKIA", "password": "p", "sender": "monitoring@example.com"}
)
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


def test_user_data_leaves_room_below_its_limit() -> None:
    assert len(user_data(VALUES).encode()) <= LIMIT - 256


def test_user_data_with_a_long_domain_fits() -> None:
    longest = f"{'a' * 60}.{'b' * 60}.example.org"
    assert len(user_data(replace(VALUES, local_name=longest)).encode()) <= LIMIT


def test_user_data_that_is_too_large_is_refused_naming_the_longest_value() -> None:
    address = "https://mirror.example.com/" + "x" * 3900
    long = GrafanaRepository.model_validate({"url": address, "keyUrl": address})
    with pytest.raises(UserDataTooLargeError, match="GRAFANA_REPOSITORY"):
        user_data(replace(VALUES, grafana_repository=long))


def test_user_data_is_a_cloud_config_that_writes_files_and_starts_the_timer() -> None:
    text = user_data(VALUES)
    assert text.startswith("#cloud-config\n")
    content = yaml.safe_load(text)
    assert list(content) == ["write_files", "runcmd"]
    assert content["runcmd"] == ["systemctl enable --now monitoring-server.timer"]
    # 0644 is cloud-init's default.
    assert {file.get("permissions", "0644") for file in content["write_files"]} == {"0644", "0755"}
    assert boot_files()[BOOT_SCRIPT].startswith("#!/bin/bash\nset -Eeuo pipefail\n")


def test_the_configurations_are_valid_and_hardened() -> None:
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


def test_mail_is_encrypted_and_its_password_is_in_another_file() -> None:
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


def test_without_its_own_influxdb_the_server_has_none_of_its_files() -> None:
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
def test_late_points_are_expected_for_longer_than_an_agent_can_keep_them(interval: str, seconds: int) -> None:
    agent = tomllib.loads(telegraf_config(TARGET, interval=interval, host="web-1", monitor=False))["agent"]
    assert longest_delay(interval) == seconds
    assert longest_delay(interval) > agent["metric_buffer_limit"] / 45 * v.seconds(interval), "of a plain host"


def test_down_sampling_is_given_the_retention_of_both_policies() -> None:
    forever = replace(SERVER, retention="INF", rollup_retention="INF")
    century = str(2**63 // 10**9)
    assert "ROLLUP='2592000 31104000 86400'\n" in server_settings(SERVER)
    assert f"ROLLUP='{century} {century} 86400'\n" in server_settings(forever)


def test_the_scripts_use_every_variable_that_they_are_given() -> None:
    """The scripts run with `set -u`, so a variable without a value would end the boot."""
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


def test_comments_are_removed_but_neither_the_first_line_nor_code() -> None:
    assert without_comments("#!/bin/sh\n# a\n\necho '#b' # c\n  # d\n") == "#!/bin/sh\necho '#b' # c\n"
    assert without_comments("# only a title\nkey = 1\n") == "key = 1\n"


def sourced(text: str, name: str) -> str:
    """A variable's value after a shell has read the settings."""
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


def test_the_examples_have_the_default_version_of_grafana() -> None:
    assert Settings.model_fields["grafana_version"].default == VALUES.grafana_version
