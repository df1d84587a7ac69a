"""Renders the server's user data and the agents' installer from the files beside this one.

Pure: values in, text out. What a person reads in userdata/ is what the machine gets, with the settings
filled in; comments and empty lines are dropped on the way to EC2, whose limit is 16 KiB (ours is 12).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import jinja2

from settings import Inputs, Repository, Smtp
from settings import values as v

LIMIT = 12 * 1024
"""Bytes the rendered user data may have. EC2 refuses more than 16,384, and does so only when it is
created."""

FOLDER = Path(__file__).parent
SETTINGS_FOLDER = "/etc/monitoring"
BOOT_SCRIPT = "/usr/local/sbin/monitoring-server"
UNITS = ("monitoring-server.service", "monitoring-server.timer")
"""They run the boot script: at every boot, and later to look whether the stack has changed."""


class UserDataTooLargeError(ValueError):
    """The rendered user data is over the limit. The message says by how much and what to shorten."""


def toml(value: str | Sequence[str]) -> str:
    """A text, or a list of them, in TOML (JSON's escapes are a subset of TOML's, but for DEL)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - none of these files is HTML; each value goes through `toml` or `shell`
)
_templates.filters["toml"] = toml
_templates.filters["shell"] = shlex.quote


@dataclass(frozen=True)
class InfluxTarget:
    """Where Telegraf writes to: the address (https), the database, the user, and whether a private CA
    signs."""

    url: str
    database: str
    username: str
    private_ca: bool


@dataclass(frozen=True)
class BootValues:
    """Everything the server's user data depends on; a change of it replaces the server. Nothing of it is secret.

    parameters: path of the stack's parameters. address: the elastic IP. local_name: the name in the certificate by
    which the machine reaches itself. influxdb_version: empty when another service is used.
    """

    region: str
    parameters: str
    address: str
    local_name: str
    data_volume: str
    grafana_repository: Repository
    influxdata_repository: Repository
    grafana_version: str
    influxdb_version: str
    telegraf_version: str


@dataclass(frozen=True)
class ServerValues:
    """Everything the files of the server's services depend on; a running server follows their changes. Nothing of
    it is secret.

    host: the name users type (domain or address). machine: the server's name in its own measurements (tag `host`).
    data_gib: the data volume's size. writer, reader: InfluxDB's users. own_influxdb: whether InfluxDB runs here.
    smtp: Grafana's mail server; its password is a parameter of its own. backups: see `backup_settings`;
    backup_schedule: time of day, UTC.
    """

    host: str
    machine: str
    data_gib: int
    retention: str
    interval: str
    cloudwatch_auth: str
    own_influxdb: bool
    reader: str
    smtp: Smtp | None
    backups: Mapping[str, str]
    backup_schedule: str
    target: InfluxTarget


@dataclass(frozen=True)
class AgentValues:
    """Everything an agent's installer depends on. `password` is a secret, so the script is one too.

    host: the tag `host`; empty takes the machine's own name. tags: of all its measurements.
    """

    repository: Repository
    telegraf_version: str
    interval: str
    target: InfluxTarget
    password: str = field(repr=False)
    ca: str | None = None
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=Inputs)


def render(name: str, **values: object) -> str:
    """One file of this folder with its values filled in. Raises jinja2.UndefinedError when one is missing."""
    return _templates.get_template(name).render(**values)


def without_comments(text: str) -> str:
    """`text` without comment lines and empty lines. The first line stays: it is `#!` or `#cloud-config`."""
    first, *rest = text.splitlines()
    kept = [line for line in rest if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join([*([first] if first.startswith("#!") or not first.startswith("#") else []), *kept]) + "\n"


def source(repository: Repository) -> str:
    """A repository as boot.sh takes it: the five words after its name, none of which has blanks."""
    parts = (
        repository.url,
        repository.suite,
        repository.component,
        repository.key_url,
        repository.key_fingerprint,
    )
    return " ".join(parts)


def shard_duration(retention: str) -> str:
    """Length of InfluxDB's shard groups for a retention: what it would choose itself.

    docs.influxdata.com/influxdb/v1/query_language/manage-database (SHARD DURATION). It must be said: the
    policy `autogen` is created with seven days, and a retention below its shards' length is refused.
    """
    length = v.seconds(retention)
    if length < v.seconds("2d"):
        return "1h"
    return "1d" if length <= v.seconds("26w") else "7d"


def _shell(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def boot_settings(values: BootValues) -> str:
    """The shell variables boot.sh reads from /etc/monitoring/boot.conf."""
    return _shell(
        {
            "REGION": values.region,
            "SSM": f"https://ssm.{values.region}.{_domain(values.region)}/",
            "PARAMETERS": values.parameters,
            "ADDRESS": values.address,
            "LOCAL_NAME": values.local_name,
            "DATA_VOLUME": values.data_volume,
            "GRAFANA_REPOSITORY": source(values.grafana_repository),
            "INFLUXDATA_REPOSITORY": source(values.influxdata_repository),
            "GRAFANA_VERSION": values.grafana_version,
            "INFLUXDB_VERSION": values.influxdb_version,
            "TELEGRAF_VERSION": values.telegraf_version,
        }
    )


def backup_settings(region: str, bucket: str, stack: str, now: int, restore_from: str) -> dict[str, str]:
    """The variables of backup.sh and restore.sh.

    bucket: empty when backups are off. now: another number asks for a backup at once. restore_from: see
    components/backups.py. Buckets are named in the path: their names need not fit S3's certificate.
    """
    return {
        "S3": f"https://s3.{region}.{_domain(region)}",
        "BACKUP_BUCKET": bucket,
        "BACKUP_PREFIX": stack,
        "BACKUP_NOW": str(now),
        "RESTORE_FROM": restore_from,
    }


def server_settings(values: ServerValues) -> str:
    """The shell variables boot.sh and its parts read from the parameter server.conf."""
    return _shell(
        {
            "MACHINE": values.machine,
            "DATA_GIB": str(values.data_gib),
            "RETENTION": values.retention,
            "SHARD": shard_duration(values.retention),
            "WRITER": values.target.username,
            "READER": values.reader,
            "DATABASE": values.target.database,
            "TARGET": values.target.url,
            "TARGET_CA": "/etc/telegraf/ca.pem" if values.target.private_ca else "",
            **values.backups,
        }
    )


def server_files(values: ServerValues) -> dict[str, str]:
    """The files of the server's services and the parts of its boot script, by the parameter that carries them."""
    files = {
        "server.conf": server_settings(values),
        "grafana.sh": render("grafana.sh"),
        "grafana.ini": render(
            "grafana.ini",
            host=values.host,
            machine=values.machine,
            cloudwatch_auth=values.cloudwatch_auth,
            smtp=values.smtp,
        ),
        "telegraf.sh": render("telegraf.sh"),
        "telegraf.conf": telegraf_config(
            values.target,
            interval=values.interval,
            host=values.machine,
            monitor=values.own_influxdb,
            backups=bool(values.backups["BACKUP_BUCKET"]),
        ),
        "backups.sh": render("backups.sh"),
        "backup": render("backup.sh"),
        "restore": render("restore.sh"),
        "monitoring-backup.service": render("backup.service"),
        "monitoring-backup.timer": render("backup.timer", schedule=values.backup_schedule),
    }
    if values.own_influxdb:
        files |= {"influxdb.sh": render("influxdb.sh"), "influxdb.conf": render("influxdb.conf")}
    return {name: without_comments(content) for name, content in files.items()}


def telegraf_config(
    target: InfluxTarget,
    *,
    interval: str,
    host: str,
    monitor: bool,
    backups: bool = False,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Telegraf's configuration file.

    host: the tag `host`; empty takes the machine's own name. tags: further ones. monitor: whether InfluxDB
    itself, and the certificate it shows, are watched too. backups: whether the server's backups are.
    """
    return render(
        "telegraf.conf", interval=interval, host=host, monitor=monitor, backups=backups, target=target, tags=tags
    )


def user_data(values: BootValues) -> str:
    """The server's cloud-config. Raises UserDataTooLargeError above 12 KiB."""
    contents = {
        f"{SETTINGS_FOLDER}/boot.conf": boot_settings(values),
        **{f"/etc/systemd/system/{unit}": render(unit) for unit in UNITS},
        BOOT_SCRIPT: render("boot.sh"),
    }
    files = [
        {"path": path, "mode": "0755" if path == BOOT_SCRIPT else "0644", "content": without_comments(content)}
        for path, content in contents.items()
    ]
    text = render("cloud-config.yaml", files=files)
    size = len(text.encode())
    if size > LIMIT:
        longest = max(boot_settings(values).splitlines(), key=len)
        raise UserDataTooLargeError(
            f"the server's user data has {size} bytes, {size - LIMIT} more than the {LIMIT} allowed; "
            f"shorten the settings that it holds (the longest is {longest[:80]}…)"
        )
    return text


def agent_installer(values: AgentValues) -> str:
    """The script that makes a Debian or Ubuntu machine send its measurements here, to be run by root."""
    config = telegraf_config(
        values.target, interval=values.interval, host=values.host, monitor=False, tags=values.tags
    ) + render("inputs.conf", inputs=values.inputs)
    return render("agent-install.sh.j2", values=values, repository=source(values.repository), config=config)
