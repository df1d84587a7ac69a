"""Settings that are right by themselves and cannot go together: in time, and by the names of machines.

Each as (setting, what is wrong, what to write instead), as Settings.contradictions() gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from settings import certificates
from settings import values as v
from settings.alerting import AlertThresholds

if TYPE_CHECKING:
    from settings.model import Settings

Contradictions = Iterator[tuple[str, str, str]]

SILENT_INTERVALS = 3
"""Intervals without a measurement, at least, before a host counts as silent (alerts/hosts.py)."""

LEAST_BACKUP_AGE = "25h"
"""A backup a day, up to ten minutes later (userdata/server/backup.timer), and the time that it takes."""


def of_time(settings: Settings) -> Contradictions:
    """Alerts that would always fire, or never could."""
    alerts = settings.alert_thresholds
    if not settings.influxdb:
        if SILENT_INTERVALS * v.seconds(settings.collection_interval) > v.seconds(settings.retention):
            wrong = f"is so long that a host is silent only after retention ({settings.retention})"
            yield "collectionInterval", wrong, f"write at most 1/{SILENT_INTERVALS} of retention"
        default = AlertThresholds.model_fields["forget_after"].default
        for name, length in (("silentAfter", alerts.silent_after), ("forgetAfter", alerts.forget_after)):
            # The default of forgetAfter does no harm with a shorter retention.
            if v.seconds(length) > v.seconds(settings.retention) and length != default:
                wrong = f"has {name} above retention ({settings.retention}): by then the measurements are gone"
                yield "alertThresholds", wrong, f"lower {name}, or raise retention"
    if settings.backups.enabled and v.seconds(alerts.backup_age) < v.seconds(LEAST_BACKUP_AGE):
        wrong = "has backupAge below the time between two backups, so it would fire every day"
        yield "alertThresholds", wrong, f"write {LEAST_BACKUP_AGE} or more, such as 36h"


def of_names(settings: Settings) -> Contradictions:
    """A name for the server that is somebody else's (with a certificate of one's own the server's /etc/hosts says
    that `domain` is itself), and a certificate that is not for it."""
    if settings.domain:
        if _is_aws(settings.domain):
            yield "domain", "is an address of AWS itself, which the server must reach", "write a name of your own"
        elif found := [name for name, host in _reached(settings) if host == settings.domain]:
            yield "domain", f"is the host in {found[0]}, which the server must reach", "write a name of its own"
    own = settings.certificate
    if own:
        key = own.private_key.get_secret_value()
        for wrong, instead in certificates.mismatches(own.certificate, key, own.ca, settings.domain):
            yield "certificate", wrong, instead


def _reached(settings: Settings) -> Iterator[tuple[str, str]]:
    """The hosts that the server connects to, with the settings that name them."""
    webhook = settings.contact_points.webhook if settings.contact_points else None
    addresses = {
        "grafanaRepository.url": settings.grafana_repository.url,
        "grafanaRepository.keyUrl": settings.grafana_repository.key_url,
        "influxdataRepository.url": settings.influxdata_repository.url,
        "influxdataRepository.keyUrl": settings.influxdata_repository.key_url,
        "influxdb.url": settings.influxdb.url if settings.influxdb else "",
        "contactPoints.webhook": webhook.get_secret_value() if webhook else "",
        "smtp.host": f"smtp://{settings.smtp.host}" if settings.smtp else "",
    }
    for name, address in addresses.items():
        yield name, (urlsplit(address).hostname or "").lower()


@lru_cache(maxsize=1)
def _suffixes() -> frozenset[str]:
    """What the names of AWS's endpoints end with, in all partitions."""
    partitions = v.aws_data().get_data("endpoints")["partitions"]
    variants = [variant for one in partitions for variant in one["defaults"].get("variants", [])]
    return frozenset(one["dnsSuffix"] for one in (*partitions, *variants) if "dnsSuffix" in one)


def _is_aws(domain: str) -> bool:
    """Whether a name is one of AWS's endpoints; a machine's own public name (….compute.amazonaws.com) is none."""
    labels = domain.split(".")
    machine = any(label == "compute" or label.startswith("compute-") for label in labels)
    return not machine and any(".".join(labels[at:]) in _suffixes() for at in range(len(labels)))
