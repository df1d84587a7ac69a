"""The stack's configuration as one immutable, checked object."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from settings import addresses, aws_names, aws_tags, certificates, ranges
from settings import values as v
from settings.accounts import CloudwatchAccount
from settings.accounts import listed as accounts
from settings.alerting import AlertThresholds, ContactPoints, DeadMansSwitch
from settings.backups import Backups, Source
from settings.database import Database
from settings.hosts import Host
from settings.hosts_by_tag import one_tag
from settings.hosts_file import HostsFile
from settings.mail import Smtp
from settings.metrics import CustomMetric, listed
from settings.mistakes import WrongValueError, quoted
from settings.moving import Own
from settings.mute_timings import MuteTiming
from settings.mute_timings import listed as timings
from settings.oauth import OAuth
from settings.part import Part, as_list, each
from settings.public_certificate import PublicCertificate
from settings.versions import GrafanaVersion, TelegrafVersion, VersionOne


def _choice(*allowed: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if value not in allowed:
            raise WrongValueError("is not one of the allowed values", f"write {' or '.join(allowed)}")
        return value

    return BeforeValidator(check)


def _tags(value: Any) -> dict[str, str]:
    """AWS tags. `Name`, `project` and `stack` are set by the program itself."""
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write one `name: value` per line")
    if len(value) > 40:
        raise WrongValueError(f"has {len(value)} tags", "write at most 40")
    for name, content in value.items():
        if name != name.strip():
            raise WrongValueError(
                "{tag} has a name with leading or trailing spaces", "write it without them", tag=quoted(name)
            )
        v.text(content)
        if name.lower() in ("name", "project", "stack"):
            raise WrongValueError("{tag} is set by this program", "leave it out", tag=quoted(name))
        aws_tags.check_once(name, value)
        aws_tags.check(name, content)
    return value


MOST_HOSTS = 500


def _hosts(value: Any) -> Any:
    return as_list(value, MOST_HOSTS)


Cidrs = Annotated[tuple[IPv4Network, ...], each(ranges.cidr)]


class Repository(Part):
    """An apt repository and the one key that is trusted to sign it.

    key_fingerprint: of the primary key. Its subkeys may change; other keys in the downloaded file are not trusted.
    """

    url: addresses.Url
    key_url: addresses.Url
    key_fingerprint: v.Fingerprint
    suite: v.AptWord = "stable"
    component: v.AptWord = "main"


class GrafanaRepository(Repository):
    """Grafana's own repository, from grafana.com/docs/grafana/latest/setup-grafana/installation/debian.

    The fingerprint is that of the key published on the repository's page since 2023-08-24; `gpg-full.key` also
    holds retired keys, which are ignored.
    """

    url: addresses.Url = "https://apt.grafana.com"
    key_url: addresses.Url = "https://apt.grafana.com/gpg-full.key"
    key_fingerprint: v.Fingerprint = "B53AE77BADB630A683046005963FA27710458545"


class InfluxdataRepository(Repository):
    """InfluxData's own repository, which has packages for apt and, under another address, for dnf.

    influxdata.com/blog/package-signing-key-rotation: since 2023 there is one primary key, whose signing subkeys change
    (in January 2026 to AC10D7449F343ADCEFDDC2B6DA61C26A0585BD3B, valid until January 2029).
    """

    url: addresses.Url = "https://repos.influxdata.com/debian"
    # docs.influxdata.com/telegraf/v1/install: for agents on RHEL and Amazon Linux.
    rpm_url: addresses.RpmUrl = "https://repos.influxdata.com/stable/$basearch/main"
    key_url: addresses.Url = "https://repos.influxdata.com/influxdata-archive.key"
    key_fingerprint: v.Fingerprint = "24C975CBA61A024EE1B631787C3D57159FC2F927"


class OwnCertificate(Part):
    """The user's own server certificate for `domain`: chain, key, and the CA if it is not a public one."""

    certificate: certificates.CertificateChain
    private_key: Annotated[SecretStr, certificates.ServerKey]
    ca: certificates.Authorities | None = None


INFLUXDBS_OWN = ("_internal", "_monitoring", "_tasks")
"""Databases and buckets in which InfluxDB 1 and 2 monitor themselves (docs.influxdata.com/platform/monitoring/
influxdata-platform/tools/measurements-internal, docs.influxdata.com/influxdb/v2/reference/internals/system-buckets)."""


def _measurements(name: str) -> str:
    """A database for measurements: not one of InfluxDB's own."""
    if name in INFLUXDBS_OWN:
        raise WrongValueError("is InfluxDB's own", "name a database that was made for this stack, such as telegraf")
    return name


class ExternalInfluxdb(Part):
    """An InfluxDB-compatible service that is used instead of the server's own InfluxDB. own: set while the stack moves
    to or from it."""

    url: addresses.HttpsUrl
    database: Annotated[v.Identifier, AfterValidator(_measurements)] = "telegraf"
    username: v.Identifier
    password: Annotated[SecretStr, BeforeValidator(v.agents_password)]
    ca: certificates.Authorities | None = None
    own: Own | None = None


class Settings(Part):
    """All settings of a stack. Pulumi.yaml describes them for users."""

    region: aws_names.Region = Field(alias="aws:region")
    operator_cidrs: Cidrs = ()
    agent_cidrs: Cidrs = ()
    ssh_cidrs: Cidrs = ()
    ssh_key_name: aws_names.KeyName | None = None
    instance_type: aws_names.InstanceType = "t4g.small"
    ami_id: aws_names.AmiId | None = None
    # docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html (gp3); Debian's image has 8 GiB.
    root_volume_size: Annotated[int, v.whole(8, 16384, "GiB")] = 10
    data_volume_size: Annotated[int, v.whole(1, 16384, "GiB")] = 20
    vpc_id: aws_names.VpcId | None = None
    subnet_id: aws_names.SubnetId | None = None
    public_address: v.Flag = True
    domain: v.Domain | None = None
    route53_zone: aws_names.Zone | None = None
    certificate: OwnCertificate | None = None
    public_certificate: PublicCertificate | None = None
    influxdb: ExternalInfluxdb | None = None
    database: Database | None = None
    cloudwatch_auth: Annotated[Literal["key", "role"], _choice("key", "role")] = "key"
    cloudwatch_region: aws_names.Region | None = None
    cloudwatch_accounts: Annotated[tuple[CloudwatchAccount, ...], BeforeValidator(accounts)] = ()
    permissions_boundary: aws_names.PolicyArn | None = None
    kms_key: aws_names.KmsKey | None = None
    access_key_generation: Annotated[int, v.whole(1, 1_000_000, "the key's generation")] = 1
    password_generation: Annotated[int, v.whole(1, 1_000_000, "the passwords' generation")] = 1
    certificate_generation: Annotated[int, v.whole(1, 1_000_000, "the certificate's generation")] = 1
    retention: Annotated[str, v.duration("h|d|w", "1h", "INF", "30d")] = "30d"
    rollup_retention: Annotated[str, v.duration("h|d|w", "1h", "INF", "360d")] | None = None
    hosts: Annotated[tuple[Host, ...], BeforeValidator(_hosts)] = ()
    hosts_file: HostsFile | None = None
    hosts_by_tag: Annotated[dict[str, str], BeforeValidator(one_tag)] = Field(default_factory=dict)
    hosts_by_tag_remove: v.Flag = False
    # pulumi.com/docs/iac/cli/commands/pulumi_up: it runs four operations per CPU at once.
    ssh_connections: Annotated[int, v.whole(1, MOST_HOSTS, "hosts at once")] = 16
    collection_interval: Annotated[str, v.duration("s|m|h", "1s", "1h", "10s", parts=1)] = "10s"
    top_processes: Annotated[int, v.whole(0, 20, "processes named per host")] = 0
    grafana_repository: GrafanaRepository = GrafanaRepository()
    influxdata_repository: InfluxdataRepository = InfluxdataRepository()
    grafana_version: GrafanaVersion = "13.2.3"
    influxdb_version: VersionOne = "1.12.4-1"
    telegraf_version: TelegrafVersion = "1.39.3-1"
    protect: v.Flag = False
    tags: Annotated[dict[str, str], BeforeValidator(_tags)] = Field(default_factory=dict)
    boot_timeout: Annotated[str, v.duration("s|m|h", "1m", "2h", "15m")] = "15m"
    contact_points: ContactPoints | None = None
    smtp: Smtp | None = None
    oauth: OAuth | None = None
    mute_timings: Annotated[tuple[MuteTiming, ...], BeforeValidator(timings)] = ()
    dead_mans_switch: DeadMansSwitch | None = None
    runbooks: addresses.HttpsUrl | None = None
    alert_thresholds: AlertThresholds = AlertThresholds()
    backups: Backups = Backups()
    restore_from: Source | None = None
    custom_metrics: Annotated[tuple[CustomMetric, ...], BeforeValidator(listed)] = ()

    @property
    def _other(self) -> ExternalInfluxdb | Database | None:
        """The InfluxDB that is not the server's own."""
        return self.influxdb or self.database

    @property
    def own_influxdb(self) -> bool:
        """Whether InfluxDB runs on the server."""
        return self._other is None or self._other.own is not None

    @property
    def makes_users(self) -> bool:
        """Whether the stack creates InfluxDB's users: in the server's InfluxDB, or in one that AWS runs."""
        return self.own_influxdb or self.influxdb is None

    @property
    def moves(self) -> bool:
        """Whether the stack moves between the server's own InfluxDB and another one."""
        return self._other is not None and self.own_influxdb

    @property
    def shows_own(self) -> bool:
        """Whether dashboards and alerts read the server's own InfluxDB."""
        return self._other is None or self._other.own == "shown"

    @property
    def shown_region(self) -> str:
        """The region that CloudWatch panels start with and alerts watch."""
        return self.cloudwatch_region or self.region

    @property
    def boot_timeout_seconds(self) -> int:
        """How long the readiness gate waits for a new server, in seconds."""
        return int(v.seconds(self.boot_timeout))

    @property
    def kept_rolled_up(self) -> str:
        """How long the 5-minute means and maxima are kept, as a duration."""
        by_default = 12 * v.seconds(self.retention)
        in_hours = f"{int(by_default) // 3600}h" if by_default <= v.seconds(v.LONGEST) else "INF"
        return self.rollup_retention or in_hours
