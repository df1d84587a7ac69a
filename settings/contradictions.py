"""Settings that are valid on their own but contradict each other: durations, and names of machines.

Each as (setting, what is wrong, what to write instead), as Settings.contradictions() gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from settings import certificates
from settings import values as v
from settings.alerting import AlertThresholds, DeadMansSwitch

if TYPE_CHECKING:
    from settings.model import Settings

Contradictions = Iterator[tuple[str, str, str]]

SILENT_INTERVALS = 3
"""Intervals without a measurement, at least, before a host counts as silent (alerts/facts.py)."""

LEAST_BACKUP_AGE = "25h"
"""A backup per day, up to ten minutes late (userdata/server/backup.timer), and the time it takes."""

RENEWED_DAYS = 30
"""How long before its end `pulumi up` renews the stack's own certificate (components/certificates.py)."""


def of_time(settings: Settings) -> Contradictions:
    """Alerts that would always fire, or never could."""
    alerts = settings.alert_thresholds
    yield from _of_silence(settings, alerts)
    age = v.seconds(alerts.backup_age)
    if settings.backups.enabled and age < v.seconds(LEAST_BACKUP_AGE):
        wrong = "has backupAge below the time between two backups, so it would fire every day"
        yield "alertThresholds", wrong, f"write {LEAST_BACKUP_AGE} or more, such as 36h"
    # S3 rounds up to the next midnight (its user guide: lifecycle-expire-general-considerations).
    if settings.backups.enabled and age > v.seconds(f"{settings.backups.keep + 1}d"):
        wrong = f"has backupAge above backups.keep ({settings.backups.keep} days): by then no backup is left"
        yield "alertThresholds", wrong, "lower backupAge, or raise backups.keep"
    if not settings.certificate and alerts.certificate_days > RENEWED_DAYS:
        wrong = f"has certificateDays above {RENEWED_DAYS}, but the stack's certificate is not renewed any earlier"
        yield "alertThresholds", wrong, f"write {RENEWED_DAYS} or less"


def _of_silence(settings: Settings, alerts: AlertThresholds) -> Contradictions:
    """A host falls silent, two evaluations notice it, and only then is it forgotten."""
    silent, forget = v.seconds(alerts.silent_after), v.seconds(alerts.forget_after)
    missed = SILENT_INTERVALS * v.seconds(settings.collection_interval)
    found = 2 * v.seconds(alerts.interval)
    kept = float("inf") if settings.influxdb else v.seconds(settings.retention)
    too_short = False
    default = AlertThresholds.model_fields["forget_after"].default
    for name, length in (("silentAfter", alerts.silent_after), ("forgetAfter", alerts.forget_after)):
        # The default of forgetAfter does no harm with a shorter retention.
        if v.seconds(length) > kept and length != default:
            wrong = f"has {name} above retention ({settings.retention}): by then the measurements are gone"
            yield "alertThresholds", wrong, f"lower {name}, or raise retention"
            too_short = True
    if too_short:
        return
    if missed > kept:
        wrong = f"is so long that a host counts as silent only after retention ({settings.retention})"
        yield "collectionInterval", wrong, f"write at most 1/{SILENT_INTERVALS} of retention"
    elif forget < 2 * max(silent, missed):
        yield "alertThresholds", "forgets hosts almost as soon as they fall silent", "raise forgetAfter"
    elif forget < max(silent, missed) + found:
        wrong = "has an interval so long that a silent host is forgotten before two evaluations can notice it"
        yield "alertThresholds", wrong, "lower interval, or raise forgetAfter"


def of_contact_points(settings: Settings) -> Contradictions:
    """Alerts that would notify nobody."""
    points = settings.contact_points
    if points is None:
        return
    for key, ways in points.every:
        if not ways.any and (ways is not points or not points.complete):
            yield key, "names no recipients", "write email, slack, pagerduty or webhook"
        elif ways.webhook_token and not ways.webhook:
            yield key, "has webhookToken without webhook", "add the webhook's URL"


def of_the_dead_mans_switch(settings: Settings) -> Contradictions:
    """A heartbeat that would never be sent, or that the service waits for in vain."""
    switch = settings.dead_mans_switch
    if switch is None:
        return
    if not switch.email and not switch.heartbeat:
        yield "deadMansSwitch", "would notify nobody", "write email or heartbeat"
    elif not switch.heartbeat and switch.heartbeat_every != DeadMansSwitch().heartbeat_every:
        yield "deadMansSwitch", "has heartbeatEvery without heartbeat", "write the address that is called, too"
    # The policy that sends it is a part of Grafana's one tree, which this program owns only with contact points.
    if switch.heartbeat and not settings.contact_points:
        wrong = "is missing, so deadMansSwitch.heartbeat would say that all is well while nobody hears of alerts"
        yield "contactPoints", wrong, "write email, slack, pagerduty or webhook"


def of_mute_timings(settings: Settings) -> Contradictions:
    """Mute timings without effect, and those that mute everything."""
    names = [timing.name for timing in settings.mute_timings]
    if settings.mute_timings and not settings.contact_points:
        yield "muteTimings", "mutes nothing, because nobody is notified", "write contactPoints, or take it out"
    for number, timing in enumerate(settings.mute_timings):
        key = f"muteTimings[{number}]"
        if not timing.weekdays and not timing.times:
            yield key, "would mute alerts for ever", "write weekdays or times"
        elif names.index(timing.name) < number:
            yield f"{key}.name", "is the name of another one, too", "write each once"


def of_names(settings: Settings) -> Contradictions:
    """A `domain` that belongs to someone else (with an own certificate, the server's /etc/hosts maps `domain`
    to the server itself), and a certificate that is not for it."""
    if settings.domain:
        agents = {f"hosts[{number}].address": host.address for number, host in enumerate(settings.hosts)}
        if _is_aws(settings.domain):
            yield "domain", "is one of AWS's own addresses, which the server must reach", "write a name of your own"
        elif found := [name for name, address in agents.items() if address == settings.domain]:
            yield (
                "domain",
                f"is the server's name, but {found[0]} gives it to another machine",
                "write a name of its own",
            )
        elif found := [name for name, host in _reached(settings) if host == settings.domain]:
            yield "domain", f"is the host in {found[0]}, which the server must reach", "write a name of its own"
    own = settings.certificate
    if own:
        key = own.private_key.get_secret_value()
        for wrong, instead in certificates.mismatches(own.certificate, key, own.ca, settings.domain):
            yield "certificate", wrong, instead


def of_accounts(settings: Settings) -> Contradictions:
    """Roles of another partition, into which no key of this one reaches (docs.aws.amazon.com/IAM/latest/UserGuide/
    reference-arns.html)."""
    own = v.partition(settings.region)
    for account in settings.cloudwatch_accounts:
        if {account.partition, v.partition(account.region or settings.shown_region)} != {own}:
            wrong = f"has {account.name} in another AWS partition than aws:region, whose identities are unknown there"
            yield "cloudwatchAccounts", wrong, f"write a role and a region of the partition {own}"


def _reached(settings: Settings) -> Iterator[tuple[str, str]]:
    """The hosts that the server connects to, with the settings that name them."""
    switch = settings.dead_mans_switch
    addresses = {
        "grafanaRepository.url": settings.grafana_repository.url,
        "grafanaRepository.keyUrl": settings.grafana_repository.key_url,
        "influxdataRepository.url": settings.influxdata_repository.url,
        "influxdataRepository.keyUrl": settings.influxdata_repository.key_url,
        "influxdb.url": settings.influxdb.url if settings.influxdb else "",
        "Debian's repository": f"https://{settings.domain}" if settings.domain in DEBIAN else "",
        "deadMansSwitch.heartbeat": switch.heartbeat.get_secret_value() if switch and switch.heartbeat else "",
        "oauth.tokenUrl": settings.oauth.token_url if settings.oauth else "",
        "oauth.apiUrl": settings.oauth.api_url if settings.oauth else "",
        "smtp.host": f"smtp://{settings.smtp.host}" if settings.smtp else "",
    }
    for key, ways in settings.contact_points.every if settings.contact_points else ():
        addresses |= {
            f"{key}.webhook": ways.webhook.get_secret_value() if ways.webhook else "",
            f"{key}.slack": ways.slack.get_secret_value() if ways.slack else "",
            f"{key}.pagerduty": "https://events.pagerduty.com" if ways.pagerduty else "",
        }
    for name, address in addresses.items():
        yield name, (urlsplit(address).hostname or "").lower()


DEBIAN = ("deb.debian.org", "security.debian.org", "cdn-aws.deb.debian.org")
"""Where Debian's images for EC2 take their packages from (/etc/apt/sources.list.d/debian.sources there)."""


@lru_cache(maxsize=1)
def _suffixes() -> frozenset[str]:
    """What the names of AWS's endpoints end with, in all partitions."""
    partitions = v.aws_partitions()
    variants = [variant for one in partitions for variant in one["defaults"].get("variants", [])]
    return frozenset(one["dnsSuffix"] for one in (*partitions, *variants) if "dnsSuffix" in one)


def _is_aws(domain: str) -> bool:
    """Whether a name is one of AWS's endpoints; a machine's own public name (….compute.amazonaws.com) is none."""
    labels = domain.split(".")
    if labels[-1] == "aws" or domain == "instance-data.ec2.internal":  # Amazon's own top-level domain; its metadata
        return True
    machine = any(label == "compute" or label.startswith("compute-") for label in labels)
    return not machine and any(".".join(labels[at:]) in _suffixes() for at in range(len(labels)))
