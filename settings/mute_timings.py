"""Times when nobody is notified of alerts that fire."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import WrongValueError
from settings.part import Part, as_list, each

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""Grafana's week begins on Sunday (prometheus/alertmanager, timeinterval/timeinterval.go: daysOfWeek)."""
SEVERITIES = ("warning", "critical", "both")


def _day(value: Any) -> str:
    """A day or a range of them, as Grafana writes it: monday:friday (prometheus/alertmanager, timeinterval)."""
    written = v.text(value)
    first, _, last = written.partition(":")
    if first not in DAYS or (last or first) not in DAYS or written.endswith(":"):
        raise WrongValueError("is not a weekday", "write days in lower case, such as saturday or monday:friday")
    if last and DAYS.index(last) < DAYS.index(first):
        raise WrongValueError(
            "is a range that ends before it begins", "write the days one by one: the week begins on sunday"
        )
    return written


def _times(value: Any) -> str:
    """A range from a time of day to a later one of the same day, whose end is 24:00."""
    written = v.text(value)
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)", written):
        raise WrongValueError("is not a time range", "write two times of day, such as 08:00-17:30")
    begin, end = written.split("-")
    if begin >= end:
        raise WrongValueError("does not end later on the same day", f"write two ranges: {begin}-24:00 and 00:00-{end}")
    return written


def _location(value: Any) -> str:
    # These two are files of the system, not zones of the database.
    if v.text(value) not in available_timezones() - {"localtime", "Factory"}:
        raise WrongValueError("is not a time zone", "write its name in the IANA database, such as Europe/Berlin")
    return str(value)


def _severity(value: Any) -> str:
    if value not in SEVERITIES:
        raise WrongValueError("is not one of the allowed values", f"write {' or '.join(SEVERITIES)}")
    return str(value)


class MuteTiming(Part):
    """A time in which alerts of a severity are not sent: on these weekdays (all if none is given), at these times of
    day (the whole day if none is given), in this time zone."""

    name: Annotated[
        # Grafana has them at /api/v1/provisioning/mute-timings/NAME, where . and .. would be other paths.
        str,
        v.matching(
            r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}",
            "is not a usable name",
            "use up to 64 letters, digits, spaces . _ -, a letter or digit first",
        ),
    ]
    weekdays: Annotated[tuple[str, ...], each(_day, least=1)] = ()
    times: Annotated[tuple[str, ...], each(_times, least=1)] = ()
    location: Annotated[str, BeforeValidator(_location)] = "UTC"
    severity: Annotated[str, BeforeValidator(_severity)] = "warning"

    @property
    def is_always(self) -> bool:
        """Whether it covers every minute of the week."""
        return len(self.minutes) == WEEK

    @property
    def minutes(self) -> set[int]:
        """The minutes of the week, in its time zone."""
        days = {day for each in self.weekdays for day in _days(each)} or set(DAYS)
        minutes = {minute for each in self.times for minute in range(*map(_minute, each.split("-")))} or set(range(DAY))
        return {DAYS.index(day) * DAY + minute for day in days for minute in minutes}


DAY = 24 * 60
WEEK = len(DAYS) * DAY
"""Minutes."""


def _days(written: str) -> tuple[str, ...]:
    """The days of a checked range."""
    first, _, last = written.partition(":")
    return DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]


def _minute(written: str) -> int:
    hour, minute = written.split(":")
    return int(hour) * 60 + int(minute)


def listed(value: Any) -> Any:
    """A list of mute timings."""
    return as_list(value)
