"""The settings `hostsByTag` and `hostsByTagRemove`."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from tests.support.configuration import mistakes, raw


@pytest.mark.parametrize("tag", [{"Monitoring": "on"}, {"aws:autoscaling:groupName": "web"}, {"team/Ä x": "a+b=c@d"}])
def test_a_tag_is_kept_as_it_was_written(tag: dict[str, str]) -> None:
    assert load(raw(hostsByTag=tag)).hosts_by_tag == tag


def test_it_is_off_by_default() -> None:
    assert (load(raw()).hosts_by_tag, load(raw(hostsByTag={})).hosts_by_tag) == ({}, {})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Monitoring=on", "is not an object; write the tag as `name: value`, such as Monitoring: on"),
        (["Monitoring"], "is not an object"),
        ({"a": "b", "c": "d"}, "has 2 tags; write one, and give it to all hosts"),
        ({"Monitoring": True}, 'is true or false, not a string; write it in quotes: "true"'),
        ({"Monitoring": ""}, "is empty"),
        ({"Monitoring": "a*"}, "has a character that AWS tags do not allow"),
        ({"": "on"}, "is too long"),
        ({"a+b": "on"}, "has a + in its name, which Systems Manager does not accept; choose instances by another tag"),
        ({"Monitoring": "x" * 257}, "is too long"),
    ],
)
def test_anything_but_one_valid_tag_is_refused(value: Any, said: str) -> None:
    (line,) = mistakes(raw(hostsByTag=value))
    assert line.startswith("monitoring:hostsByTag = ")
    assert said in line


def test_hosts_by_tag_remove_requires_a_tag() -> None:
    (line,) = mistakes(raw(hostsByTagRemove=True))
    assert line.startswith("monitoring:hostsByTag: is missing, so hostsByTagRemove would reach no host")
