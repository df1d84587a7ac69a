"""Alerts that would always fire or never could, and those that would notify nobody."""

from __future__ import annotations

from settings import values as v
from settings.alerting import AlertThresholds, DeadMansSwitch
from settings.mistakes import Contradictions
from settings.model import Settings
from settings.mute_timings import WEEK

SILENT_INTERVALS = 3
"""The least number of intervals without a measurement before a host counts as silent (alerts/facts.py)."""

LEAST_BACKUP_AGE = "25h"
"""A day between two backups, ten minutes of delay (userdata/server/backup.timer), and the time that a backup takes."""

RENEWED_DAYS = 30
"""`pulumi up` renews the stack's own certificate this long before it expires (components/private_authority.py)."""


def of_time(settings: Settings) -> Contradictions:
    """Alerts that would always fire, or could never fire."""
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
        wrong = f"has certificateDays above {RENEWED_DAYS}, but the stack's certificate is not renewed earlier"
        yield "alertThresholds", wrong, f"write {RENEWED_DAYS} or less"


def _of_silence(settings: Settings, alerts: AlertThresholds) -> Contradictions:
    """Times with which a silent host would be forgotten, or its data deleted, before two evaluations notice it."""
    silent, forget = v.seconds(alerts.silent_after), v.seconds(alerts.forget_after)
    missed = SILENT_INTERVALS * v.seconds(settings.collection_interval)
    found = 2 * v.seconds(alerts.interval)
    kept = v.seconds(settings.retention) if settings.makes_users else float("inf")
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
    """A switch that would notify nobody, and a heartbeat without an address or without contact points."""
    switch = settings.dead_mans_switch
    if switch is None:
        return
    if not switch.email and not switch.heartbeat:
        yield "deadMansSwitch", "would notify nobody", "write email or heartbeat"
    elif not switch.heartbeat and switch.heartbeat_every != DeadMansSwitch().heartbeat_every:
        yield "deadMansSwitch", "has heartbeatEvery without heartbeat", "add heartbeat, the address to call"
    # The notification policy that sends it is part of Grafana's single tree, which this program manages only with
    # contact points.
    if switch.heartbeat and not settings.contact_points:
        wrong = "is missing, so deadMansSwitch.heartbeat would say that all is well while nobody receives alerts"
        yield "contactPoints", wrong, "write email, slack, pagerduty or webhook"


def of_mute_timings(settings: Settings) -> Contradictions:
    """Mute timings without effect, and those that mute everything."""
    names = [timing.name for timing in settings.mute_timings]
    if settings.mute_timings and not settings.contact_points:
        yield "muteTimings", "mutes nothing, because nobody is notified", "add contactPoints, or remove it"
    for number, timing in enumerate(settings.mute_timings):
        key = f"muteTimings[{number}]"
        if timing.is_always:
            yield key, "would mute alerts all the time", "write the weekdays or times for which they are muted"
        elif names.index(timing.name) < number:
            yield f"{key}.name", "is also the name of an earlier one", "give each a name of its own"
    for severity in ("warning", "critical"):
        muting = [one for one in settings.mute_timings if one.severity in (severity, "both") and not one.is_always]
        for location in sorted({one.location for one in muting}):
            if len(set[int]().union(*(one.minutes for one in muting if one.location == location))) == WEEK:
                wrong = f"would together mute {severity} alerts permanently"
                yield "muteTimings", wrong, "leave some time of the week unmuted"
                return
