"""The lines of a stack's monthly bill.

They are what the components request from AWS (components/server.py, data_volume.py, network.py, backups.py,
parameters.py), for a month without interruption.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dashboards.registry import AWS_EC2, CUSTOM_METRICS
from settings import Settings, WrongValueError, hosts_file
from settings.values import seconds
from tools.cost import prices
from tools.cost.prices import Prices
from tools.stack_file import STAND_IN, StackFile

CENT = Decimal("0.01")
HOST_DAY_MIB = Decimal("5.2")
"""Disk space that a day of one host's measurements takes, at one every 10 s (docs/scale.md)."""
MEASURED_EVERY = 10
ROLLED_DAY_MIB = HOST_DAY_MIB / 10
"""The same for the 5-minute steps made from them, whatever the collection interval."""
STANDARD_PARAMETER = 4096
"""Bytes of the largest free parameter (as in components/parameters.py, which takes seconds to import)."""
MOVING_PARAMETERS = 2
"""How many files larger than that a stack has while it moves to or from another InfluxDB."""
FOREVER_DAYS = 365
"""Days that are counted for `retention: INF`."""
USED = (
    *("instanceType", "rootVolumeSize", "dataVolumeSize", "retention", "rollupRetention", "collectionInterval"),
    *("backups", "alertThresholds", "customMetrics", "database", "publicAddress", "route53Zone"),
)
"""The settings that are counted."""


@dataclass(frozen=True)
class Line:
    """One line. monthly: US dollars, whole cents; None where the price is not known."""

    what: str
    quantity: str
    monthly: Decimal | None


@dataclass(frozen=True)
class Bill:
    """A stack's bill. notes: what the figures assume, and what they leave out."""

    stack: str
    region: str
    prices: Prices
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the lines with known prices."""
        return sum((line.monthly for line in self.lines if line.monthly is not None), Decimal("0.00"))


def _listed(given: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many hosts the settings list, directly and in a file; and which of the two settings are encrypted, so that
    their hosts are not counted."""
    own, file = given.get("hosts") or [], given.get("hostsFile") or {}
    path = file.get("path") if isinstance(file, dict) else file
    hidden = [key for key, value in (("hosts", own), ("hostsFile", path)) if value == STAND_IN]
    try:
        listed = len(hosts_file.read(str(path))) if path and path != STAND_IN else 0
    except WrongValueError:  # which `load` reports
        listed = 0
    return (len(own) if isinstance(own, list) else 0) + listed, hidden


def bill(file: StackFile, hosts: int | None = None, instances: int = 1) -> Bill:
    """The bill of the stack that the file describes.

    hosts: machines with an agent; by default those of the settings `hosts` and `hostsFile`. instances: EC2 instances in
    the region, each of which the status-check alert queries. Raises SettingsError when the settings have mistakes.
    """
    settings, unread = file.settings()
    given = file.given
    listed, hidden = _listed(given)
    agents, hidden = (listed, hidden) if hosts is None else (hosts, [])
    others = [given[key] for key in ("influxdb", "database") if given.get(key)]
    moving = any(isinstance(other, dict) and other.get("own") for other in others)
    price = prices.of(settings.region)
    lines = (
        *_machine(settings, price),
        *_database(settings),
        *_backups(settings, price, agents if moving or not others else None),
        *_parameters(given, price, moving=moving),
        _alerts(settings, price, instances),
        *_switch(settings, price),
    )
    return Bill(file.name, settings.region, price, lines, (*_uncounted(hidden), *_notes(settings, price, unread)))


def _line(what: str, quantity: str, amount: Decimal | None) -> Line:
    return Line(what, quantity, None if amount is None else amount.quantize(CENT, ROUND_HALF_UP))


def _machine(settings: Settings, price: Prices) -> Iterator[Line]:
    kind, hours = settings.instance_type, price.hours
    hourly = price.instance_hour(kind)
    at = f"at {hourly}" if hourly is not None else "price unknown"
    yield _line("server", f"{kind}, {hours} hours {at}", None if hourly is None else hourly * hours)
    for what, size in (("root volume", settings.root_volume_size), ("data volume", settings.data_volume_size)):
        yield _line(what, f"{size} GiB of gp3 at {price.gp3_gib_month}", size * price.gp3_gib_month)
    if settings.public_address:
        address = price.everywhere["public_ipv4_hour"]
        yield _line("public IPv4 address", f"{hours} hours at {address}", hours * address)
    metrics, metric = price.everywhere["detailed_monitoring_metrics"], price.everywhere["metric_month"]
    yield _line("detailed monitoring of the server", f"{metrics} metrics at {metric}", metrics * metric)


def _database(settings: Settings) -> Iterator[Line]:
    """components/timestream.py. Not priced: no public copy of AWS's price list has it."""
    wanted = settings.database
    if wanted:
        instances = "2 instances" if wanted.multi_az else "1 instance"
        yield _line("Timestream for InfluxDB", f"{instances} of {wanted.instance_type}, {wanted.storage} GiB", None)


def stored_gib(settings: Settings, agents: int) -> Decimal:
    """Roughly what InfluxDB stores once `retention` and `rollupRetention` have passed: at most half of the volume,
    because beyond that no backup is made."""
    interval = Decimal(str(seconds(settings.collection_interval)))
    raw = _days(settings.retention) * HOST_DAY_MIB * MEASURED_EVERY / interval
    # The server monitors itself, too.
    mib = (agents + 1) * (raw + _days(settings.kept_rolled_up) * ROLLED_DAY_MIB)
    return min(mib / 1024, Decimal(settings.data_volume_size) / 2)


def _days(kept: str) -> Decimal:
    """The most days that are stored: InfluxDB deletes whole days."""
    found = seconds(kept)
    return Decimal(FOREVER_DAYS) if math.isinf(found) else Decimal(int(found)) / 86400 + 1


def _backups(settings: Settings, price: Prices, agents: int | None) -> Iterator[Line]:
    """agents: None when InfluxDB is elsewhere: then only Grafana's small database is backed up."""
    if not settings.backups.enabled:
        return
    copies = 2 * settings.backups.keep
    stored = Decimal(0) if agents is None else stored_gib(settings, agents)
    gib = (copies * stored).quantize(Decimal("0.1"))
    quantity = f"about {gib} GiB in S3 at {price.s3_gib_month}: {copies} copies"
    yield _line("backups at full size", quantity, gib * price.s3_gib_month)


def _parameters(given: dict[str, Any], price: Prices, *, moving: bool = False) -> Iterator[Line]:
    """Certificates too long for a free parameter, and the files of a stack that moves. The program's other files fit
    (tests/components/test_parameters.py)."""
    texts = [
        part.get(name)
        for part in (given.get("certificate"), given.get("influxdb"))
        if isinstance(part, dict)
        for name in ("certificate", "ca")
    ]
    many = sum(isinstance(text, str) and len(text.encode()) > STANDARD_PARAMETER for text in texts)
    many += MOVING_PARAMETERS if moving else 0
    month = price.everywhere["advanced_parameter_month"]
    if many:
        yield _line("advanced-tier parameters", f"{many} at {month}", many * month)


def _asked(price: Prices, metrics: Decimal) -> Decimal:
    """What it costs to request this many metrics from CloudWatch."""
    cost: Decimal = metrics * price.everywhere["thousand_metrics_requested"] / 1000
    return cost


def _alerts(settings: Settings, price: Prices, instances: int) -> Line:
    """alerts/ec2.py: one metric of every instance of the region, each time the rules are evaluated."""
    every = settings.alert_thresholds.interval
    metrics = price.hours * 3600 / Decimal(str(seconds(every))) * instances
    whose = "1 instance" if instances == 1 else f"{instances} instances"
    quantity = f"{metrics:,.0f} metrics requested: {whose} every {every}"
    return _line("status-check alert in CloudWatch", quantity, _asked(price, metrics))


def _switch(settings: Settings, price: Prices) -> Iterator[Line]:
    """components/dead_mans_switch.py: an alarm for each of the two status checks."""
    if settings.dead_mans_switch and settings.dead_mans_switch.email:
        month = price.everywhere["alarm_month"]
        yield _line("dead man's switch", f"2 CloudWatch alarms at {month}", 2 * month)


def viewing(page: str) -> tuple[int, int]:
    """How many queries the open panels of a dashboard make at once, and how often per hour. page: its JSON."""
    content = json.loads(page)
    opened = [panel for panel in content["panels"] if panel["type"] != "row"]
    return sum(len(panel.get("targets", ())) for panel in opened), 3600 // int(seconds(content["refresh"]))


def _uncounted(hidden: list[str]) -> Iterator[str]:
    for key in hidden:
        yield (
            f"monitoring:{key} contains an encrypted value: its hosts are not counted. "
            "Say how many there are with HOSTS_THERE=100."
        )


def _notes(settings: Settings, price: Prices, unread: set[str]) -> Iterator[str]:
    if price.note:
        yield price.note
    if price.instance_hour(settings.instance_type) is None:
        kind = settings.instance_type
        yield f"The total leaves out the server: the price of {kind} is not in tools/prices.toml. Add it there."
    if settings.database:
        yield (
            "The total leaves out Timestream for InfluxDB, whose prices are not known here: "
            "https://aws.amazon.com/timestream/pricing/"
        )
    if settings.route53_zone:
        million = price.everywhere["million_dns_queries"]
        yield f"Route 53: {million} per million queries for domain. Its zone is not part of the stack."
    if not settings.public_address:
        yield "The total leaves out the NAT gateway or VPC endpoints that connect the server's private subnet."
    for name in USED:
        if name in unread:
            yield f"monitoring:{name} contains an encrypted value: its default is used instead."
    metrics, times = viewing(AWS_EC2.build())
    hour = _rounded(_asked(price, Decimal(metrics * times)))
    yield f"Viewing the “AWS EC2” dashboard: {hour} per hour and instance shown ({metrics} metrics, {times} refreshes)."
    if custom := sum(math.prod(map(len, each.dimensions.values())) for each in settings.custom_metrics):
        _, times = viewing(CUSTOM_METRICS.build(settings.custom_metrics))
        hour = _rounded(_asked(price, Decimal(custom * times)))
        yield f"Viewing the “Custom metrics” dashboard: at least {hour} per hour."
    if credit := price.cpu_credit_hour(settings.instance_type):
        yield f"CPU use above the instance type's baseline, once its credits run out: {credit} per vCPU-hour."
    yield (
        f"Data transfer to the internet: {price.egress_gb} per GB beyond the account's first "
        f"{price.everywhere['free_egress_gb']} GB per month. Data that agents send comes in free."
    )
    yield (
        "Free: IAM, the security group, standard parameters, AWS-managed encryption keys (no KMS key is created), "
        "Grafana's alerts. S3 and KMS requests stay below a cent."
    )


def _rounded(amount: Decimal) -> str:
    """The amount to a hundredth of a cent, without trailing zeros."""
    return f"{amount.quantize(CENT / 100).normalize():f}"
