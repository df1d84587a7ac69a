"""The setting `hostsByTag`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings import Settings, SettingsError, load
from tests.support.configuration import REQUIRED


def loaded(**given: Any) -> Settings:
    text = {f"monitoring:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    return load(REQUIRED | text)


@pytest.mark.parametrize("tag", [{"Monitoring": "on"}, {"aws:autoscaling:groupName": "web"}, {"team/Ä x": "a+b=c@d"}])
def test_a_tag_is_taken_as_it_is(tag: dict[str, str]) -> None:
    assert loaded(hostsByTag=tag).hosts_by_tag == tag


def test_it_is_off_by_default() -> None:
    assert (loaded().hosts_by_tag, loaded(hostsByTag={}).hosts_by_tag) == ({}, {})


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
        ({"a+b": "on"}, "has a + in its name, which Systems Manager does not take; choose instances by another tag"),
        ({"Monitoring": "x" * 257}, "is too long"),
    ],
)
def test_what_is_no_tag_is_refused(value: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(hostsByTag=value)
    (mistake,) = refused.value.mistakes
    assert mistake.key == "monitoring:hostsByTag"
    assert said in str(refused.value)


def test_nothing_can_be_removed_without_a_tag() -> None:
    with pytest.raises(SettingsError, match="hostsByTag: is missing, so hostsByTagRemove would reach no host"):
        loaded(hostsByTagRemove="true")
