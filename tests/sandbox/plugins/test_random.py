"""The random plugin, used through the engine's protocol."""

from __future__ import annotations

from typing import Any

import bcrypt
import pytest

from sandbox.plugins.random.provider import RandomProvider
from sandbox.plugins.wire import UNKNOWN, Secret

PASSWORD = "random:index/randomPassword:RandomPassword"
STRING = "random:index/randomString:RandomString"


@pytest.fixture
def plugin(serve: Any) -> Any:
    return serve(RandomProvider())


def make(plugin: Any, token: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    checked, failures = plugin.check(token, inputs)
    assert not failures
    created: tuple[str, dict[str, Any]] = plugin.create(token, checked)
    return created


def test_a_password_is_secret_and_hashed(plugin: Any) -> None:
    id_, state = make(plugin, PASSWORD, length=100)
    assert id_ == "none"
    assert isinstance(state["result"], Secret)
    assert isinstance(state["bcryptHash"], Secret)
    assert len(state["result"].value) == 100
    assert bcrypt.checkpw(state["result"].value[:72].encode(), state["bcryptHash"].value.encode())


def test_a_string_s_id_is_the_string(plugin: Any) -> None:
    id_, state = make(plugin, STRING, length=12, special=False)
    assert id_ == state["result"]
    assert id_.isalnum()


def test_minima_and_special_characters_are_respected(plugin: Any) -> None:
    _, state = make(plugin, PASSWORD, length=9, minUpper=2, minLower=2, minNumeric=2, minSpecial=3, overrideSpecial="%")
    text = state["result"].value
    assert text.count("%") == 3
    assert sum(each.isupper() for each in text) == 2
    assert sum(each.isdigit() for each in text) == 2


def test_number_is_the_old_name_of_numeric(plugin: Any) -> None:
    _, state = make(plugin, PASSWORD, length=200, number=False)
    assert not any(each.isdigit() for each in state["result"].value)
    assert state["numeric"] is False


@pytest.mark.parametrize(
    ("inputs", "at"),
    [
        ({}, "length"),
        ({"length": 0}, "length"),
        ({"length": 3, "minUpper": 2, "minLower": 2}, "length"),
        ({"length": 3, "upper": False, "lower": False, "numeric": False, "special": False}, "special"),
        ({"length": 3, "keeper": {}}, "keeper"),
    ],
)
def test_mistakes_are_refused(plugin: Any, inputs: dict[str, Any], at: str) -> None:
    _, failures = plugin.check(PASSWORD, inputs)
    assert at in failures


def test_every_change_replaces(plugin: Any) -> None:
    old, _ = plugin.check(PASSWORD, {"length": 8, "keepers": {"generation": "1"}})
    _, state = plugin.create(PASSWORD, old)
    same, _ = plugin.check(PASSWORD, {"length": 8, "keepers": {"generation": "1"}}, old)
    assert not plugin.diff(PASSWORD, state, old, same).diffs
    for other in ({"length": 9}, {"length": 8, "keepers": {"generation": "2"}}):
        new, _ = plugin.check(PASSWORD, other, old)
        assert plugin.diff(PASSWORD, state, old, new).replaces


def test_the_result_is_unknown_in_a_preview(plugin: Any) -> None:
    checked, _ = plugin.check(PASSWORD, {"length": 8})
    _, planned = plugin.create(PASSWORD, checked, preview=True)
    assert planned["result"] == Secret(UNKNOWN)


def test_a_refresh_changes_nothing(plugin: Any) -> None:
    checked, _ = plugin.check(PASSWORD, {"length": 8})
    id_, state = plugin.create(PASSWORD, checked)
    assert plugin.read(PASSWORD, id_, state, checked) == (id_, state, checked)


def test_a_password_can_be_imported(plugin: Any) -> None:
    id_, state, _ = plugin.read(PASSWORD, "correct horse")
    assert (id_, state["result"].value, state["length"]) == ("none", "correct horse", 13)
