"""/api/v1/provisioning/mute-timings: times without notifications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, Response, jsonify

from ..context import Context, body, context, text
from ..errors import ApiError
from . import store, tree
from .http import check_provenance, invalid, provenance

routes = Blueprint("timings", __name__, url_prefix="/api/v1/provisioning/mute-timings")

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")


def _check(given: dict[str, Any]) -> None:
    if not text(given, "name"):
        raise invalid("a mute timing must have a name")
    for interval in given.get("time_intervals") or []:
        for span in interval.get("times") or []:
            for key in ("start_time", "end_time"):
                if not _CLOCK.match(str(span.get(key, ""))):
                    raise invalid(f"couldn't parse timestamp {span.get(key)!r}, invalid format")
            if span["start_time"] >= span["end_time"]:
                raise invalid("start time cannot be equal or greater than end time")
        for days in interval.get("weekdays") or []:
            for day in str(days).split(":"):
                if day not in _DAYS:
                    raise invalid(f"{day} is not a valid weekday")
            first, *_, last = (_DAYS.index(day) for day in (str(days).split(":") * 2)[:2])
            if last < first:
                raise invalid("start day cannot be before end day")
        location = interval.get("location")
        if location and location not in available_timezones():
            raise invalid(f"unknown time zone {location}")


def muted(shared: Context, names: Iterable[str], now: datetime) -> bool:
    """Whether one of the mute timings is active at a moment.

    As in prometheus/alertmanager's timeinterval: fields that an interval does not set always match, a span of the day
    excludes its end, and times are in the interval's own time zone, by default UTC.
    """
    found = (store.get(shared.database, "mute-timing", name) or {} for name in names)
    return any(_holds(interval, now) for timing in found for interval in timing.get("time_intervals") or [])


def _holds(interval: dict[str, Any], now: datetime) -> bool:
    there = now.astimezone(ZoneInfo(interval.get("location") or "UTC"))
    clock, today = f"{there:%H:%M}", there.isoweekday() % 7
    days = [[_DAYS.index(day) for day in str(each).split(":")] for each in interval.get("weekdays") or []]
    spans = interval.get("times") or []
    return (not days or any(each[0] <= today <= each[-1] for each in days)) and (
        not spans or any(span["start_time"] <= clock < span["end_time"] for span in spans)
    )


def _found(name: str) -> store.Document:
    found = store.get(context().database, "mute-timing", name)
    if found is None:
        raise ApiError.with_id(404, "alerting.notifications.time-intervals.notFound", "NotFound")
    return found


@routes.get("")
def list_all() -> Response:
    """All mute timings."""
    return jsonify(store.every(context().database, "mute-timing"))


@routes.get("/<name>")
def read(name: str) -> Response:
    """One mute timing."""
    return jsonify(_found(name))


@routes.post("")
def create() -> tuple[Response, int]:
    """Create a mute timing; 409 for a name in use."""
    given = body()
    _check(given)
    database = context().database
    if store.get(database, "mute-timing", given["name"]):
        raise ApiError.with_id(
            409,
            "alerting.notifications.time-intervals.nameExists",
            "Time interval with this name already exists",
        )
    document = _document(given)
    store.put(database, "mute-timing", given["name"], document)
    return jsonify(document), 201


@routes.put("/<name>")
def update(name: str) -> tuple[Response, int]:
    """Replace a mute timing."""
    check_provenance(_found(name))
    given = {**body(), "name": name}
    _check(given)
    document = _document(given)
    store.put(context().database, "mute-timing", name, document)
    return jsonify(document), 202


@routes.delete("/<name>")
def delete(name: str) -> tuple[str, int]:
    """Delete a mute timing; 409 while a policy uses it."""
    if name in tree.timings_in_use(context()):
        raise ApiError.with_id(
            409,
            "alerting.notifications.time-intervals.used",
            f"Time interval '{name}' is used by notification policies",
        )
    stored = store.get(context().database, "mute-timing", name)
    if stored:
        check_provenance(stored)
        store.delete(context().database, "mute-timing", name)
    return "", 204


def _document(given: dict[str, Any]) -> store.Document:
    return {
        "name": given["name"],
        "time_intervals": given.get("time_intervals") or [],
        "provenance": provenance(),
    }
