"""The files of the server's services, which a running server follows: parameters in the parameter store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from settings import OAuth, PublicCertificate, Smtp
from settings import values as v
from userdata.telegraf import InfluxTarget, telegraf_config
from userdata.templates import AWS_DOMAIN, render, shell, without_comments

INFLUXDB_FILES = (
    *("influxdb.sh", "influxdb.conf", "influxdb-hardening.conf", "influxdb-start.conf"),
    "influxdb_engine.py",
)
MANAGED_FILES = ("timestream.sh", "timestream.py")
MOVING_FILES = {
    "influxdb-moving": "moving.py",
    "moving_engine.py": "moving_engine.py",
    "influxdb-moving.service": "moving.service",
    "influxdb-moving.timer": "moving.timer",
}

PUBLIC_FILES = {
    "public-certificate": "public-certificate.sh",
    "monitoring-certificate.service": "certificate.service",
    "monitoring-certificate.timer": "certificate.timer",
    "haproxy.cfg": "haproxy.cfg",
    "haproxy.conf": "haproxy.conf",
}


@dataclass(frozen=True)
class ServerValues:
    """Everything the files of the server's services depend on; a running server follows their changes. None of
    it is secret.

    host: the name users type (domain or address). machine: the server's name in its own measurements (tag `host`).
    data_gib: the data volume's size. boot_timeout: how long the boot waits for InfluxDB, in seconds. cloudwatch_role:
    ARN of the role with which Grafana reads CloudWatch; empty if it has a key. target: the InfluxDB that Telegraf
    writes to; reader: the user that Grafana reads with. own_influxdb: whether InfluxDB runs here. managed_influxdb:
    whether AWS runs it for this stack; influxdb_secret: the ARN of its administrator's login in Secrets Manager.
    automation: the Grafana user of Pulumi and of the server itself. smtp: Grafana's mail server; oauth: its single
    sign-on; their secrets are separate parameters. public_certificate: for the name that users type. backups: see
    `backup_settings`; backup_schedule: time of day, UTC. second: the other InfluxDB while the stack moves;
    second_reader: its reader; shows_own: whether dashboards still read the server's own.
    """

    host: str
    machine: str
    data_gib: int
    boot_timeout: int
    retention: str
    rollup_retention: str
    interval: str
    top_processes: int
    region: str
    cloudwatch_role: str
    own_influxdb: bool
    managed_influxdb: bool
    influxdb_secret: str
    automation: str
    reader: str
    smtp: Smtp | None
    oauth: OAuth | None
    backups: Mapping[str, str]
    backup_schedule: str
    target: InfluxTarget
    second: InfluxTarget | None = None
    second_reader: str = ""
    shows_own: bool = True
    public_certificate: PublicCertificate | None = None


def shard_duration(retention: str) -> str:
    """The length of InfluxDB's shard groups for a retention: the one that InfluxDB would choose.

    docs.influxdata.com/influxdb/v1/query_language/manage-database (SHARD DURATION). It must be set explicitly:
    the policy `autogen` is created with seven days, and InfluxDB refuses a retention shorter than its shard duration.
    """
    length = v.seconds(retention)
    if length < v.seconds("2d"):
        return "1h"
    return "1d" if length <= v.seconds("26w") else "7d"


def longest_delay(interval: str) -> int:
    """How many seconds after a measurement an agent may still deliver it: at least a day or 1,000 intervals, as its
    buffer holds 667 intervals of a plain host's 45 metrics (metric_buffer_limit of shared/telegraf.conf)."""
    return int(max(v.seconds("1d"), 1000 * v.seconds(interval)))


def _whole(retention: str) -> int:
    """A retention in seconds; "INF" is the most that InfluxDB's nanoseconds can hold, 292 years."""
    return int(min(v.seconds(retention), 2**63 // 10**9))


def backup_settings(region: str, bucket: str, stack: str, now: int, restore_from: str) -> dict[str, str]:
    """The variables of backup.sh and restore.sh.

    bucket: empty if backups are off. now: a changed number requests a backup at once. restore_from: see
    components/backups.py. Buckets are named in the path, so that their names need not fit S3's certificate.
    """
    return {
        "S3": f"https://s3.{region}.{AWS_DOMAIN}",
        "BACKUP_BUCKET": bucket,
        "BACKUP_PREFIX": stack,
        "BACKUP_NOW": str(now),
        "RESTORE_FROM": restore_from,
    }


def server_settings(values: ServerValues) -> str:
    """The shell variables that boot.sh and its parts read from the parameter server.conf, which also has curl.sh."""
    return shell(
        {
            "MACHINE": values.machine,
            "DATA_GIB": str(values.data_gib),
            "BOOT_TIMEOUT": str(values.boot_timeout),
            "RETENTION": values.retention,
            "SHARD": shard_duration(values.retention),
            "ROLLUP_RETENTION": values.rollup_retention,
            "ROLLUP_SHARD": shard_duration(values.rollup_retention),
            "ROLLUP": f"{_whole(values.retention)} {_whole(values.rollup_retention)} {longest_delay(values.interval)}",
            "WRITER": values.target.username,
            "READER": values.reader,
            "AUTOMATION": values.automation,
            "DATABASE": values.target.database,
            "TARGET": values.target.url,
            "TARGET_CA": "/etc/telegraf/ca.pem" if values.target.private_ca else "",
            "STS": f"https://sts.{values.region}.amazonaws.com/",
            "CLOUDWATCH_ROLE": values.cloudwatch_role,
            **(_managed(values) if values.managed_influxdb else {}),
            **(_moving(values, values.second) if values.second else {}),
            **(_public(values.host, values.public_certificate) if values.public_certificate else {}),
            **values.backups,
        }
    )


def _managed(values: ServerValues) -> dict[str, str]:
    """The variables of timestream.sh. EXPIRY: how many seconds measurements are kept (0: forever), and a shard's length
    (docs.influxdata.com/influxdb/v2/reference/internals/data-retention)."""
    kept = 0 if values.retention == "INF" else _whole(values.retention)
    return {
        "SECRETS": f"https://secretsmanager.{values.region}.{AWS_DOMAIN}/",
        "INFLUXDB_SECRET": values.influxdb_secret,
        "EXPIRY": f"{kept} {_whole(shard_duration(values.retention))}",
    }


def _public(name: str, certificate: PublicCertificate) -> dict[str, str]:
    """The variables of public.sh."""
    return {
        "PUBLIC_NAME": name,
        "ACME_DIRECTORY": certificate.directory,
        "ACME_EMAIL": certificate.email or "",
    }


def _moving(values: ServerValues, other: InfluxTarget) -> dict[str, str]:
    """The variables of moving.sh and moving.py. SHOWN: which of the two InfluxDBs dashboards read."""
    return {
        "OTHER": other.url,
        "OTHER_DATABASE": other.database,
        "OTHER_WRITER": other.username,
        "OTHER_READER": values.second_reader,
        "OTHER_CA": "/etc/telegraf/ca.pem" if other.private_ca else "",
        "SHOWN": "own" if values.shows_own else "other",
    }


def server_files(values: ServerValues) -> dict[str, str]:
    """The files of the server's services and the parts of its boot script, by the name of their parameter."""
    files = {
        "server.conf": server_settings(values) + without_comments(render("server/curl.sh")),
        "firewall.sh": render("server/firewall.sh"),
        "firewall.nft": render("server/firewall.nft"),
        "monitoring-firewall.service": render("server/firewall.service"),
        "aws": render("server/aws.sh"),
        "cloudwatch.sh": render("server/cloudwatch.sh"),
        "cloudwatch-credentials": render("server/cloudwatch-credentials.sh"),
        "monitoring-cloudwatch.service": render("server/cloudwatch.service"),
        "monitoring-cloudwatch.timer": render("server/cloudwatch.timer"),
        "grafana.sh": render("server/grafana.sh"),
        "grafana-database": render("server/grafana-database.sh"),
        "grafana.ini": render(
            "server/grafana.ini",
            host=values.host,
            public=values.public_certificate is not None,
            machine=values.machine,
            cloudwatch_role=values.cloudwatch_role,
            smtp=values.smtp,
            oauth=values.oauth,
        ),
        "public.sh": render("server/public.sh"),
        "telegraf.sh": render("server/telegraf.sh"),
        "telegraf.conf": telegraf_config(
            values.target,
            second=values.second,
            interval=values.interval,
            host=values.machine,
            top_processes=values.top_processes,
            monitor=values.own_influxdb,
            server=True,
            backups=bool(values.backups["BACKUP_BUCKET"]),
            public=values.public_certificate is not None,
        ),
        "telegraf-hardening.conf": render("shared/telegraf-hardening.conf"),
        **{f"telegraf-{name}": render(f"shared/{name}.sh") for name in ("measure", "processes")},
        "auto-upgrades.conf": render("server/auto-upgrades.conf"),
        "backups.sh": render("server/backups.sh"),
        "backup": render("server/backup.sh"),
        "restore": render("server/restore.sh"),
        "monitoring-backup.service": render("server/backup.service"),
        "monitoring-backup.timer": render("server/backup.timer", schedule=values.backup_schedule),
    }
    if values.managed_influxdb:
        files |= {name: render(f"server/{name}") for name in MANAGED_FILES}
    if values.own_influxdb:
        files |= {name: render(f"server/{name}") for name in INFLUXDB_FILES}
        files["moving.sh"] = render("server/moving.sh")
        files |= {f"influxdb-{name}": render(f"server/{name}.sh") for name in ("room", "probe", "segments")}
        files |= {"influxdb-rollup": render("server/rollup.py")}
        units = [f"{name}.{kind}" for name in ("room", "probe", "rollup") for kind in ("service", "timer")]
        files |= {f"influxdb-{name}": render(f"server/{name}") for name in units}
    if values.second:
        files |= {name: render(f"server/{file}") for name, file in MOVING_FILES.items()}
    if values.public_certificate:
        files |= {name: render(f"server/{file}") for name, file in PUBLIC_FILES.items()}
    return {name: without_comments(content) for name, content in files.items()}
