"""The setting `muteTimings`."""

from __future__ import annotations

import calendar
from typing import Any

import pytest

from settings import load
from settings.mute_timings import MuteTiming
from tests.settings.test_alerting import SECRET, SLACK
from tests.support.configuration import mistakes, raw


def mute_timings(*timings: dict[str, Any]) -> tuple[MuteTiming, ...]:
    """The mute timings of a stack with these."""
    return load(raw(contactPoints={"slack": SLACK}, muteTimings=timings), SECRET).mute_timings


def test_mute_timings_are_accepted() -> None:
    weekend, night = mute_timings(
        {"name": "weekend", "weekdays": ["saturday", "sunday"], "location": "Europe/Berlin"},
        {"name": "night", "times": ["00:00-06:00", "22:00-24:00"], "severity": "both"},
    )
    assert (weekend.name, weekend.weekdays, weekend.times) == ("weekend", ("saturday", "sunday"), ())
    assert (weekend.location, weekend.severity) == ("Europe/Berlin", "warning")
    assert (night.name, night.weekdays, night.times) == ("night", (), ("00:00-06:00", "22:00-24:00"))
    assert (night.location, night.severity) == ("UTC", "both")


@pytest.mark.parametrize(
    ("timings", "key", "wrong"),
    [
        ([{"name": "a"}], "muteTimings[0]", "would mute alerts all the time"),
        ([{"name": "a", "weekdays": ["sunday:saturday"]}], "muteTimings[0]", "would mute alerts all the time"),
        (
            [{"name": "a", "weekdays": ["monday:saturday", "sunday"], "times": ["00:00-12:00", "11:00-24:00"]}],
            "muteTimings[0]",
            "would mute alerts all the time",
        ),
        ([{"name": "..", "times": ["00:00-06:00"]}], "muteTimings[0].name", "a letter or digit first"),
        (
            [{"name": "a", "times": ["00:00-06:00"], "location": "localtime"}],
            "muteTimings[0].location",
            "Europe/Berlin",
        ),
        ([{"times": ["00:00-06:00"]}], "muteTimings[0].name", "is missing"),
        ([{"name": "a", "times": ["22:00-06:00"]}], "muteTimings[0].times", "22:00-24:00 and 00:00-06:00"),
        ([{"name": "a", "times": ["8-17"]}], "muteTimings[0].times", "is not a time range"),
        ([{"name": "a", "weekdays": ["Monday"]}], "muteTimings[0].weekdays", "in lower case"),
        ([{"name": "a", "weekdays": ["monday:"]}], "muteTimings[0].weekdays", "is not a weekday"),
        ([{"name": "a", "weekdays": ["monday:fri"]}], "muteTimings[0].weekdays", "is not a weekday"),
        ([{"name": "a", "weekdays": ["saturday:sunday"]}], "muteTimings[0].weekdays", "begins on sunday"),
        ([{"name": "a", "times": ["00:00-06:00"], "location": "Berlin"}], "muteTimings[0].location", "Europe/Berlin"),
        ([{"name": "a", "times": ["00:00-06:00"], "severity": "all"}], "muteTimings[0].severity", "critical or both"),
        ([{"name": "a", "times": ["00:00-06:00"]}] * 2, "muteTimings[1].name", "is also the name of an earlier one"),
        ({"name": "a"}, "muteTimings", "is not a list"),
    ],
)
def test_wrong_mute_timings_are_reported(timings: Any, key: str, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK}, muteTimings=timings), SECRET)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported


@pytest.mark.parametrize("days", [*map(str.lower, calendar.day_name), "monday:friday", "sunday:friday"])
def test_every_weekday_and_range_of_weekdays_is_accepted(days: str) -> None:
    (timing,) = mute_timings({"name": "a", "weekdays": [days]})
    assert timing.weekdays == (days,)


def test_mute_timings_without_contact_points_are_refused() -> None:
    (reported,) = mistakes(raw(muteTimings=[{"name": "a", "times": ["00:00-06:00"]}]))
    assert reported.startswith("monitoring:muteTimings") and "mutes nothing" in reported
