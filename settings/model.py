"""The stack's configuration as one immutable, checked object."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from settings import addresses, aws_tags, certificates, contradictions
from settings import values as v
from settings.accounts import CloudwatchAccount
from settings.accounts import listed as accounts
from settings.alerting import AlertThresholds, ContactPoints, DeadMansSwitch
from settings.backups import Backups, Source, origin
from settings.database import Database
from settings.database import contradictions as of_the_database
from settings.hosts import Host
from settings.hosts_file import HostsFile
from settings.mail import Smtp
from settings.metrics import CustomMetric, listed
from settings.mistakes import WrongValueError, quoted
from settings.mute_timings import MuteTiming
from settings.mute_timings import listed as timings
from settings.oauth import OAuth
from settings.part import Part, as_list, each
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
    for name, content in value.items():
        v.text(content)
        if name.lower() in ("name", "project", "stack"):
            raise WrongValueError("{tag} is set by this program", "leave it out", tag=quoted(name))
        aws_tags.check_once(name, value)
        aws_tags.check(name, content)
    if len(value) > 40:
        raise WrongValueError(f"has {len(value)} tags", "write at most 40")
    return value


MOST_HOSTS = 500
MOST_RULES = 60
"""Inbound rules a security group takes by default (docs: "Amazon VPC quotas")."""


def _hosts(value: Any) -> Any:
    return as_list(value, MOST_HOSTS)


Cidrs = Annotated[tuple[IPv4Network, ...], each(addresses.cidr)]


class Repository(Part):
    """An apt repository and the one key that is trusted to sign it.

    key_fingerprint: of the primary key; subkeys may be rotated below it, and other keys in the downloaded
    file are not trusted.
    """

    url: addresses.Url
    key_url: addresses.Url
    key_fingerprint: v.Fingerprint
    suite: v.AptWord = "stable"
    component: v.AptWord = "main"


class GrafanaRepository(Repository):
    """Grafana's own repository, as grafana.com/docs/grafana/latest/setup-grafana/installation/debian gives
    it.

    The fingerprint is the key published on the repository's page since 2023-08-24; `gpg-full.key` also
    holds the retired ones, which are ignored.
    """

    url: addresses.Url = "https://apt.grafana.com"
    key_url: addresses.Url = "https://apt.grafana.com/gpg-full.key"
    key_fingerprint: v.Fingerprint = "B53AE77BADB630A683046005963FA27710458545"


class InfluxdataRepository(Repository):
    """InfluxData's own repository, which has packages for apt and, under another address, for dnf.

    influxdata.com/blog/package-signing-key-rotation: since 2023 one primary key, whose signing subkeys change
    (in January 2026 to AC10D7449F343ADCEFDDC2B6DA61C26A0585BD3B, good until January 2029).
    """

    url: addresses.Url = "https://repos.influxdata.com/debian"
    # docs.influxdata.com/telegraf/v1/install: for agents on RHEL and Amazon Linux.
    rpm_url: addresses.RpmUrl = "https://repos.influxdata.com/stable/$basearch/main"
    key_url: addresses.Url = "https://repos.influxdata.com/influxdata-archive.key"
    key_fingerprint: v.Fingerprint = "24C975CBA61A024EE1B631787C3D57159FC2F927"


class OwnCertificate(Part):
    """The user's own server certificate for `domain`: chain, key, and the CA when it is not a public one."""

    certificate: certificates.CertificateChain
    private_key: Annotated[SecretStr, certificates.ServerKey]
    ca: certificates.Authorities | None = None


class ExternalInfluxdb(Part):
    """An InfluxDB-compatible service that is used instead of the server's own InfluxDB."""

    url: addresses.HttpsUrl
    database: v.Identifier = "telegraf"
    username: v.Identifier
    password: Annotated[SecretStr, BeforeValidator(v.agents_password)]
    ca: certificates.Authorities | None = None


class Settings(Part):
    """Every setting of a stack. Pulumi.yaml describes each for its users."""

    region: v.Region = Field(alias="aws:region")
    operator_cidrs: Cidrs = ()
    agent_cidrs: Cidrs = ()
    ssh_cidrs: Cidrs = ()
    ssh_key_name: v.KeyName | None = None
    instance_type: v.InstanceType = "t4g.small"
    ami_id: v.AmiId | None = None
    # docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html (gp3); Debian's image has 8 GiB.
    root_volume_size: Annotated[int, v.whole(8, 16384, "GiB")] = 10
    data_volume_size: Annotated[int, v.whole(1, 16384, "GiB")] = 20
    vpc_id: v.VpcId | None = None
    subnet_id: v.SubnetId | None = None
    domain: v.Domain | None = None
    certificate: OwnCertificate | None = None
    influxdb: ExternalInfluxdb | None = None
    database: Database | None = None
    cloudwatch_auth: Annotated[Literal["key", "role"], _choice("key", "role")] = "key"
    cloudwatch_region: v.Region | None = None
    cloudwatch_accounts: Annotated[tuple[CloudwatchAccount, ...], BeforeValidator(accounts)] = ()
    permissions_boundary: v.PolicyArn | None = None
    access_key_generation: Annotated[int, v.whole(1, 1_000_000, "the key's generation")] = 1
    password_generation: Annotated[int, v.whole(1, 1_000_000, "the passwords' generation")] = 1
    certificate_generation: Annotated[int, v.whole(1, 1_000_000, "the certificate's generation")] = 1
    retention: Annotated[str, v.duration("h|d|w", "1h", "INF", "30d")] = "30d"
    rollup_retention: Annotated[str, v.duration("h|d|w", "1h", "INF", "360d")] | None = None
    hosts: Annotated[tuple[Host, ...], BeforeValidator(_hosts)] = ()
    hosts_file: HostsFile | None = None
    # pulumi.com/docs/iac/cli/commands/pulumi_up: it runs four operations per CPU at once.
    ssh_connections: Annotated[int, v.whole(1, MOST_HOSTS, "hosts at once")] = 16
    collection_interval: Annotated[str, v.duration("s|m|h", "1s", "1h", "10s", parts=1)] = "10s"
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
    def own_influxdb(self) -> bool:
        """Whether InfluxDB runs on the server."""
        return self.influxdb is None and self.database is None

    @property
    def shown_region(self) -> str:
        """The region that CloudWatch panels start with, and alerts watch."""
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

    def _contradictions_of_access(self, example: str) -> Iterator[tuple[str, str, str]]:
        together = len(self.operator_cidrs) + len(self.agent_cidrs) + len(self.ssh_cidrs)
        if together > MOST_RULES:
            merge = f"merge ranges until the three keys have at most {MOST_RULES} in total"
            yield (
                "operatorCidrs",
                f"makes {together} rules together with agentCidrs and sshCidrs; EC2 allows {MOST_RULES}",
                merge,
            )
        if (many := addresses.count(self.ssh_cidrs)) > addresses.MANY:
            whom = "half the world" if many > addresses.ALL // 3 else f"{many // 10**6} million addresses"
            if sum(each.num_addresses for each in collapse_addresses(self.ssh_cidrs)) == addresses.ALL:
                whom = "the whole internet"
            yield "sshCidrs", f"would let {whom} try to log in", "write only the ranges you connect from"
        if self.ssh_cidrs and not self.ssh_key_name:
            yield "sshKeyName", "is missing, so nobody in sshCidrs could log in", "name an EC2 key pair"
        if self.ssh_key_name and not self.ssh_cidrs:
            yield "sshCidrs", "is missing, so nobody could log in with sshKeyName", example

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Settings that cannot go together, as (key in camelCase, what is wrong, what to write instead)."""
        yield from self._network()
        yield from self._identities()
        yield from self._without_a_bucket()
        yield from of_the_database(self)
        yield from contradictions.of_time(self)
        yield from contradictions.of_names(self)
        yield from contradictions.of_accounts(self)
        yield from contradictions.of_contact_points(self)
        yield from contradictions.of_the_dead_mans_switch(self)
        yield from contradictions.of_mute_timings(self)
        mailed = self.contact_points is not None and self.contact_points.email_is_used
        if mailed and not self.smtp:
            yield "smtp", "is missing, so contactPoints could send no email", "name your mail server"
        if self.smtp and not mailed:
            yield "smtp", "has no recipients", "add addresses as contactPoints.email"
        for key, given in (("retention", self.retention != "30d"), ("rollupRetention", self.rollup_retention)):
            if self.influxdb and given:
                yield key, "does not apply with influxdb: that service has its own retention", "leave it out"
        if v.seconds(self.kept_rolled_up) < v.seconds(self.retention):
            wrong = f"is shorter than retention ({self.retention}), so it would keep nothing longer"
            yield "rollupRetention", wrong, f"write {self.retention} or longer, or leave it out"

    def _network(self) -> Iterator[tuple[str, str, str]]:
        example = "write the ranges in CIDR notation, such as [203.0.113.0/24]; 0.0.0.0/0 means the whole internet"
        if not self.operator_cidrs:
            yield "operatorCidrs", "nobody could reach Grafana", example
        if not self.agent_cidrs and not self.influxdb:
            yield "agentCidrs", "no agent could reach InfluxDB", example
        if self.agent_cidrs and self.influxdb:
            yield "agentCidrs", "does not apply with influxdb: agents send to that service", "leave it out"
        yield from self._contradictions_of_access(example)
        if self.vpc_id and not self.subnet_id:
            yield "subnetId", "is required with vpcId", "name a public subnet of that VPC"

        if v.partition(self.region) != "aws" and not self.ami_id:
            wrong = "is missing: Debian's own images are only known in AWS's commercial regions"
            yield "amiId", wrong, f"write the ID of a Debian 13 image in {self.region} from a publisher you trust"

    def _identities(self) -> Iterator[tuple[str, str, str]]:
        if self.certificate and not self.domain:
            yield "domain", "is required with certificate", "write the name the certificate was issued for"
        elif self.oauth and not self.domain:
            instead = "write the name of Grafana, to which your provider is to send people back"
            yield "domain", "is required with oauth", instead
        if self.cloudwatch_auth == "role" and self.access_key_generation != 1:
            yield "accessKeyGeneration", "does not apply with cloudwatchAuth: role", "leave it out"
        if self.certificate and self.certificate_generation != 1:
            yield "certificateGeneration", "does not apply with a certificate of your own", "leave it out"

    def _without_a_bucket(self) -> Iterator[tuple[str, str, str]]:
        if self.restore_from and not self.backups.enabled and not origin(self.restore_from).bucket:
            wrong = "names a backup of this stack, whose backups are off"
            yield "restoreFrom", wrong, "write s3://BUCKET/STACK/latest, or remove backups.enabled: false"
