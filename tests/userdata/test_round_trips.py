"""Every value that the settings accept is read back unchanged from every rendered file, by a reader of that file.

Values are generated from what settings/ accepts, not from what the templates can handle: a value that breaks a file is
a bug in settings/ or in userdata/, and is found here either way.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from settings import Host, Settings, SettingsError, load
from tests.support.configuration import HOST, HOSTS_SECRET, REQUIRED
from userdata.agents import AgentValues, agent_installer
from userdata.boot import BootValues, boot_settings, user_data
from userdata.server_files import ServerValues, backup_settings, server_files, server_settings
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import render, without_comments

FEW = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""A quarter of the usual examples, because each starts a shell."""

# --- Values that settings accept

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=20)
NASTY = st.sampled_from(
    [
        *("'", '"', "`", "$(id)", "${HOME}", "$INFLUX_PASSWORD", "\\", "\\n", "#", "; id", "&", "|", "<x>", "{{ x }}"),
        *("END_OF_FILE", "[[inputs.exec]]", "%n", "%(domain)s", "!", "~", "*", "é", "日本", "\u00a0", "🦊", "x y", ":"),
    ]
)
TEXTS = st.lists(WORDS | NASTY, min_size=1, max_size=3).map("".join)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
HTTPS = st.builds("https://{}{}{}".format, DOMAINS, st.sampled_from(["", ":8443"]), st.sampled_from(["", "/a/b~c_d"]))
DURATIONS = st.builds("{}{}".format, st.integers(1, 3600), st.sampled_from(["s", "m", "h"]))
RETENTIONS = st.just("INF") | st.builds("{}{}".format, st.integers(1, 5200), st.sampled_from(["h", "d", "w", "d1h"]))
VERSIONS = st.from_regex(r"([0-9]:)?[0-9]{1,4}(\.[0-9]{1,4}){2}([+~-][A-Za-z0-9.+~-]{0,9})?", fullmatch=True)
REPOSITORIES = st.fixed_dictionaries(
    {"url": HTTPS, "keyUrl": HTTPS, "suite": st.from_regex(r"[a-z][a-z0-9/._-]{0,9}", fullmatch=True)}
)
TAG_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,10}", fullmatch=True)
PRESETS: dict[str, st.SearchStrategy[Any]] = {
    "nginx": st.fixed_dictionaries({"urls": st.lists(HTTPS, min_size=1, max_size=3, unique=True)}),
    "postgresql": st.fixed_dictionaries(
        {
            "host": st.sampled_from(["/run/postgresql", "db.example"]),
            "port": st.integers(1, 65535),
            "database": st.from_regex(r"[A-Za-z0-9_.-]{1,9}", fullmatch=True),
            "password": TEXTS,
        }
    ),
    "redis": st.fixed_dictionaries({"servers": st.just(["tcp://a.example:6379"]), "password": TEXTS}),
    "docker": st.just({}),
    "systemdUnits": st.fixed_dictionaries(
        {"units": st.lists(st.from_regex(r"[A-Za-z0-9@:._*-]{1,12}", fullmatch=True), min_size=1, unique=True)}
    ),
    "ping": st.fixed_dictionaries({"targets": st.lists(DOMAINS | st.just("2001:db8::1"), min_size=1, unique=True)}),
    "httpResponse": st.fixed_dictionaries({"urls": st.just(["https://a.b/c"]), "timeout": st.just("500ms")}),
}
INPUTS = st.fixed_dictionaries({}, optional=PRESETS)


def accepted(secret_keys: tuple[str, ...] = (), **changed: Any) -> Settings:
    """The settings, if they are accepted; otherwise the example does not count."""
    given_ = {
        f"monitoring:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in changed.items()
    }
    try:
        return load(REQUIRED | given_, secret_keys)
    except SettingsError:
        assume(False)
        raise AssertionError from None


@st.composite
def servers(draw: st.DrawFn) -> Settings:
    """The settings of a stack that reach the server."""
    return accepted(
        domain=draw(DOMAINS),
        retention=draw(RETENTIONS),
        collectionInterval=draw(DURATIONS),
        topProcesses=draw(st.integers(0, 20)),
        grafanaVersion=draw(VERSIONS),
        telegrafVersion=draw(VERSIONS),
        grafanaRepository=draw(REPOSITORIES),
        influxdataRepository=draw(REPOSITORIES),
        cloudwatchAuth=draw(st.sampled_from(["key", "role"])),
    )


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """A host with tags and inputs."""
    name = draw(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True))
    tags = draw(st.dictionaries(TAG_NAMES, TEXTS, max_size=3))
    (host,) = accepted(HOSTS_SECRET, hosts=[HOST | {"name": name, "tags": tags, "inputs": draw(INPUTS)}]).hosts
    return host


def boot_values(stack: Settings) -> BootValues:
    """What the server's user data is rendered from."""
    return BootValues(
        region=stack.region,
        parameters="/monitoring/prod",
        address="198.51.100.1",
        local_name="localhost",
        data_volume="vol-0123456789abcdef0",
        grafana_repository=stack.grafana_repository,
        influxdata_repository=stack.influxdata_repository,
        grafana_version=stack.grafana_version,
        influxdb_version=stack.influxdb_version,
        telegraf_version=stack.telegraf_version,
    )


ROLE = "arn:aws:iam::111122223333:role/cloudwatch-1a2b3c4"


def server_values(stack: Settings) -> ServerValues:
    """What the files of the server's services are rendered from."""
    source = "s3://a-bucket/prod/2026-11-24T03-00-00Z"
    return ServerValues(
        host=stack.domain or "",
        machine="monitoring-prod",
        data_gib=stack.data_volume_size,
        boot_timeout=stack.boot_timeout_seconds,
        retention=stack.retention,
        rollup_retention=stack.kept_rolled_up,
        interval=stack.collection_interval,
        top_processes=stack.top_processes,
        region=stack.region,
        cloudwatch_role=ROLE if stack.cloudwatch_auth == "role" else "",
        own_influxdb=True,
        managed_influxdb=False,
        influxdb_secret="",
        automation="pulumi-x",
        reader="grafana",
        smtp=stack.smtp,
        oauth=stack.oauth,
        backups=backup_settings(stack.region, "a-bucket", "prod", stack.backups.now, source),
        backup_schedule=stack.backups.schedule,
        target=InfluxTarget("https://localhost:8086", "telegraf", "telegraf", True),
    )


def bash(script: str) -> str:
    """What bash prints for a script, which must succeed without an error message."""
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def variables(file: str) -> dict[str, str]:
    """The variables that a shell gets from an environment file."""
    *before, rest = bash("env -0").split("\0")
    *found, rest_after = bash(f"set -a\n{file}\nset +a\nenv -0").split("\0")
    assert rest == rest_after == ""
    return dict(variable.split("=", 1) for variable in set(found) - set(before))


# --- The server


@FEW
@given(servers())
def test_bash_reads_the_server_s_settings_back(stack: Settings) -> None:
    found = variables(boot_settings(boot_values(stack)))
    assert found["GRAFANA_VERSION"] == stack.grafana_version
    assert found["TELEGRAF_VERSION"] == stack.telegraf_version
    assert found["REGION"] == stack.region
    for key, repository in (
        ("GRAFANA_REPOSITORY", stack.grafana_repository),
        ("INFLUXDATA_REPOSITORY", stack.influxdata_repository),
    ):
        words = bash(f"x={json.dumps(found[key])}; set -- $x; printf '%s\\n' \"$@\"").splitlines()
        assert words == [
            *(repository.url, repository.suite, repository.component),
            *(repository.key_url, repository.key_fingerprint),
        ]
    later = variables(server_settings(server_values(stack)))
    assert later["RETENTION"] == stack.retention
    assert later["ROLLUP_RETENTION"] == stack.kept_rolled_up
    # The script that down-samples reads the same file, functions and all, without a shell (rollup.py).
    words = shlex.split(server_files(server_values(stack))["server.conf"])
    assert later.items() <= dict(word.split("=", 1) for word in words if "=" in word).items()
    assert later["RESTORE_FROM"] == "s3://a-bucket/prod/2026-11-24T03-00-00Z"


@FEW
@given(servers())
def test_cloud_init_s_yaml_contains_every_file_unchanged(stack: Settings) -> None:
    values = boot_values(stack)
    files = {
        file["path"].rpartition("/")[2]: file["content"] for file in yaml.safe_load(user_data(values))["write_files"]
    }
    assert files["boot.conf"] == boot_settings(values)
    assert files["monitoring-server"] == without_comments(render("boot.sh"))


@FEW
@given(servers())
def test_the_services_files_are_variables(stack: Settings) -> None:
    files = server_files(server_values(stack))
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read_string(files["grafana.ini"])
    assert configuration["server"]["domain"] == stack.domain
    ways = "credentials" if stack.cloudwatch_auth == "role" else "keys"
    assert configuration["aws"]["allowed_auth_providers"] == ways
    agent = tomllib.loads(files["telegraf.conf"])["agent"]
    assert (agent["interval"], agent["hostname"]) == (stack.collection_interval, "monitoring-prod")
    assert tomllib.loads(files["influxdb.conf"])["http"]["auth-enabled"] is True


# --- Telegraf's configuration


def plain() -> Any:
    """The commands that every agent runs for its measurements."""
    target = InfluxTarget("https://a.b:8086", "telegraf", "telegraf", True)
    return tomllib.loads(telegraf_config(target, interval="10s", host="", monitor=False))["inputs"]["exec"]


@FEW
@given(hosts(), DURATIONS, TEXTS)
def test_toml_reads_telegraf_s_tags_back(host: Host, interval: str, database: str) -> None:
    target = InfluxTarget("https://a.b:8086", database, "telegraf", False)
    text = telegraf_config(target, interval=interval, host=host.name, monitor=False, tags=host.tags)
    found = tomllib.loads(text)
    assert found.get("global_tags", {}) == host.tags
    assert found["agent"]["hostname"] == host.name
    assert found["outputs"]["influxdb"][0]["database"] == database
    assert found["inputs"]["exec"] == plain(), "nothing runs but what every agent runs"


# --- The agents' installer, up to the files it writes

HARNESS = """
put() {{ cat >"{folder}/${{2##*/}}"; }}
take() {{ :; }}
systemctl() {{ :; }}
configure_telegraf
printf '%s' "$name" >"{folder}/name"
printf '%s' "$version" >"{folder}/version"
}}
"""


def files_of(installer: str) -> dict[str, str]:
    """The files that the installer writes: bash runs its own functions, in a temporary folder."""
    head, *end = installer.rstrip().rsplit("\n", 2)
    assert end == ['{ main "$@"; }', "}"]
    with tempfile.TemporaryDirectory() as folder:
        bash(head + HARNESS.format(folder=folder))
        return {file.name: file.read_bytes().decode() for file in Path(folder).iterdir()}


@FEW
@given(hosts(), VERSIONS, REPOSITORIES)
def test_the_installer_writes_the_values_of_the_settings(host: Host, version: str, source: dict[str, str]) -> None:
    stack = accepted(telegrafVersion=version, influxdataRepository=source)
    files = files_of(
        agent_installer(
            AgentValues(
                repository=stack.influxdata_repository,
                telegraf_version=stack.telegraf_version,
                interval="10s",
                target=InfluxTarget("https://a.b:8086", "telegraf", "telegraf", True),
                password="a-password",
                ca="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                host=host.name,
                tags=host.tags,
                inputs=host.inputs,
            )
        )
    )
    assert (files["name"], files["version"]) == (host.name, stack.telegraf_version)
    assert files["ca.pem"].splitlines()[1] == "MIIB"
    environment = variables(files["telegraf"])
    assert environment == {"INFLUX_PASSWORD": "a-password", **host.inputs.secrets}
    # Telegraf replaces the variables in the text before it parses it.
    text = re.sub(r"\$\{(\w+)\}", lambda found: environment[found[1]], files["telegraf.conf"])
    found = tomllib.loads(text)
    assert found["agent"]["hostname"] == host.name
    assert found.get("global_tags", {}) == host.tags
    assert found["outputs"]["influxdb"][0]["password"] == "a-password"
    check_inputs(host, found["inputs"])
    check_unit(host, files)


@pytest.mark.parametrize("host", ["web-1", ""])
def test_no_tag_is_mistaken_for_the_host_s_name(host: str) -> None:
    """The installer writes the host's name into a line of the configuration, which it finds by its text."""
    tags = {"hostname": "intranet", "urls": "https://a.b:8086", "agent": "hostname = "}
    installer = agent_installer(
        AgentValues(
            repository=accepted().influxdata_repository,
            telegraf_version="1.39.3-1",
            interval="10s",
            target=InfluxTarget("https://a.b:8086", "telegraf", "telegraf", False),
            password="a-password",
            host=host,
            tags=tags,
        )
    )
    found = tomllib.loads(files_of(installer)["telegraf.conf"])
    assert found["agent"]["hostname"] == host
    assert found["global_tags"] == tags


EVIL = "END_OF_FILE\necho PWNED >&2\n: <<'END_OF_FILE'\nEND_OF_FILE_"
LINES = st.lists(
    st.sampled_from(["END_OF_FILE", "END_OF_FILE_", "EOF", "$(id)", "`id`", "}", "'", '"', "\\", ""]) | WORDS,
    min_size=1,
).map("\n".join)


@FEW
@given(LINES, LINES)
@example("END_OF_FILE", "END_OF_FILE\n1=")
def test_no_content_ends_its_here_document(ca: str, password: str) -> None:
    """Not even content that settings refuse."""
    assume(not re.search(r"[\0\r]", ca + password))
    for authority, secret in ((ca, password), (EVIL, EVIL)):
        files = files_of(
            agent_installer(
                AgentValues(
                    repository=load(REQUIRED).influxdata_repository,
                    telegraf_version="1.39.3-1",
                    interval="10s",
                    target=InfluxTarget("https://a.b:8086", "telegraf", "telegraf", True),
                    password=secret,
                    ca=authority + "x",
                    host="web-1",
                )
            )
        )
        assert files["ca.pem"] == authority.lstrip("\n") + "x\n"
        assert variables(files["telegraf"])["INFLUX_PASSWORD"] == secret


def check_inputs(host: Host, found: dict[str, Any]) -> None:
    """Check that Telegraf's inputs are the host's, with its values."""
    inputs = host.inputs
    assert found.pop("exec") == plain()
    own = {"cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "kernel", "internal"}
    named = {"nginx", "postgresql", "redis", "docker", "systemd_units", "ping", "http_response"}
    assert set(found) - own <= named, "no other input"
    assert set(found) & named == {name for name in named if getattr(inputs, name)}
    if inputs.nginx:
        assert tuple(found["nginx"][0]["urls"]) == inputs.nginx.urls
    if inputs.postgresql:
        words = dict(word.split("=", 1) for word in found["postgresql"][0]["address"].split(" "))
        assert words["dbname"] == inputs.postgresql.database
        assert words["port"] == str(inputs.postgresql.port)
        assert words.get("password") == inputs.secrets.get("POSTGRESQL_PASSWORD")
    if inputs.redis:
        assert found["redis"][0].get("password") == inputs.secrets.get("REDIS_PASSWORD")
    if inputs.systemd_units:
        assert tuple(found["systemd_units"][0]["pattern"].split(" ")) == inputs.systemd_units.units
    if inputs.ping:
        assert tuple(found["ping"][0]["urls"]) == inputs.ping.targets
    if inputs.http_response:
        assert found["http_response"][0]["response_timeout"] == inputs.http_response.timeout


def check_unit(host: Host, files: dict[str, str]) -> None:
    """Check that the drop-ins of Telegraf's unit have exactly the expected lines."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(files["monitoring.conf"])
    assert {name: dict(unit[name]) for name in unit.sections() if name != "Service"} == {
        "Unit": {"StartLimitIntervalSec": "0"}
    }
    wanted = {"Restart": "always", "RestartSec": "2s"} | {
        option.partition("=")[0]: option.partition("=")[2] for option in host.inputs.service_options
    }
    assert dict(unit["Service"]) == wanted
    assert "NoNewPrivileges=yes" in files["hardening.conf"]
