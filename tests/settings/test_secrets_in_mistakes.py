"""No reported mistake repeats a secret, not even part of one: a preview's output ends up in CI logs.

Each secret is replaced by a marker, while anything else is wrong or in the wrong place. No eight characters of the
marker may appear in what the user reads.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from settings import SettingsError, load, places
from settings.model import Settings
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.configuration import HOST, REQUIRED

MARKER = "hunter2-Qx7vLw9zKp3mRt5bNc8dJf4gHs6a"
REGION = "aws:region"

WAYS = {
    **{"email": ["ops@example.com"], "slack": "https://hooks.slack.com/services/T0/B0/x"},
    **{"pagerduty": "p" * 32, "webhook": "https://hooks.example.com/x", "webhookToken": "t"},
}

FULL: dict[str, Any] = {
    "certificate": {"certificate": CERTIFICATE, "privateKey": KEY, "ca": CERTIFICATE},
    "influxdb": {"url": "https://a.b", "username": "u", "password": "p", "database": "d"},
    "contactPoints": WAYS | {"critical": dict(WAYS), "warning": dict(WAYS)},
    "deadMansSwitch": {"email": ["ops@example.com"], "heartbeat": "https://hc.example.com/x", "heartbeatEvery": "5m"},
    "oauth": {
        **{"clientId": "c", "clientSecret": "p", "authUrl": "https://a.b/c", "tokenUrl": "https://a.b/c"},
        **{"apiUrl": "https://a.b/c", "scopes": ["openid"], "roleAttributePath": "role", "allowedDomains": ["a.bc"]},
    },
    "smtp": {"host": "smtp.example.com", "port": 587, "user": "u", "password": "p", "sender": "a@b.cc"},
    "hosts": [
        HOST
        | {
            "privateKey": KEY,
            "tags": {"role": "web"},
            "inputs": {
                "nginx": {"urls": ["http://localhost/nginx"]},
                "postgresql": {"host": "db-1", "port": 5432, "user": "u", "database": "d", "password": "p"},
                "redis": {"servers": ["tcp://localhost:6379"], "password": "p"},
                "ping": {"targets": ["198.51.100.1"]},
            },
        },
        HOST | {"name": "web-2", "address": "198.51.100.8"},
    ],
    "hostsFile": {"path": "tests/settings/samples/hosts.yaml", "privateKey": KEY},
}
"""Every setting that holds a secret, with a value for each of its keys."""

SECRETS = [
    location
    for name, value in FULL.items()
    for location in places.secret_places(places.part(places.fields(Settings)[name]), value, (name,))
]


def everywhere(value: Any, location: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside a value, except the value itself."""
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*location, step)
        if isinstance(inner, dict | list):
            yield from everywhere(inner, (*location, step))


PLACES = list(everywhere(FULL))


def secret_kinds(model: type[BaseModel], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Where the models have secrets, by their annotations alone: independently of settings/places.py."""
    found = set()
    for field in model.model_fields.values():
        inner = places.part(field)
        if "SecretStr" in str(field.annotation):
            found.add((*path, str(field.alias)))
        if inner:
            found |= secret_kinds(inner, (*path, str(field.alias)))
    return found


def kind(location: tuple[str | int, ...]) -> tuple[str, ...]:
    """A place without its indexes."""
    return tuple(step for step in location if isinstance(step, str))


def test_these_tests_cover_every_secret_of_the_models() -> None:
    assert {kind(location) for location in SECRETS} == secret_kinds(Settings)


@pytest.mark.parametrize("unguarded", sorted(secret_kinds(Settings)), ids=".".join)
def test_these_tests_notice_a_secret_that_is_not_guarded(
    unguarded: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    location = next(location for location in SECRETS if kind(location) == unguarded)
    _, field = places.walk(location)
    guards = places.is_secret
    monkeypatch.setattr(places, "is_secret", lambda one: one is not field and guards(one))
    configuration = copy.deepcopy(FULL)
    put(configuration, location, [MARKER])
    assert leaked(reported(configuration, marked=False))


def put(configuration: Any, location: tuple[str | int, ...], value: Any) -> None:
    """Write a value at a place, if that place still exists."""
    outer, last = location[:-1], location[-1]
    for step in outer:
        try:
            configuration = configuration[step]
        except (KeyError, IndexError, TypeError):
            return
    in_list = isinstance(configuration, list) and isinstance(last, int) and last < len(configuration)
    if in_list or (isinstance(configuration, dict) and isinstance(last, str)):
        configuration[last] = value


def setting(location: tuple[str | int, ...]) -> dict[str, Any]:
    """The setting that a place is in, without all others, which takes a tenth of the time.
    `test_no_secret_is_repeated_together_with_other_mistakes` has the others, too."""
    name = str(location[0])
    return {name: copy.deepcopy(FULL[name])}


def reported(configuration: dict[str, Any], marked: bool) -> str:
    """What the user reads about a configuration; nothing if it is valid."""
    text = {
        key if ":" in key else f"monitoring:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in configuration.items()
    }
    try:
        load(REQUIRED | text, tuple(text) if marked else ())
    except SettingsError as error:
        return str(error)
    return ""


def leaked(text: str, marker: str = MARKER) -> list[str]:
    """Every eight characters of the marker that the text contains."""
    return [part for at in range(len(marker) - 7) if (part := marker[at : at + 8]) in text]


SHAPES: dict[str, Any] = {
    "as it is": MARKER,
    "with a quote": f"{MARKER}'",
    "long": MARKER * 300,
    "with a line break": f"a\n{MARKER}",
    "a web address": f"https://hooks.slack.com/services/{MARKER}",
    "another's web address": f"https://hooks.example.com:8443/{MARKER}#x",
    "what urlsplit complains about": f"https://[{MARKER}",
    "another kind of letters": f"https://{MARKER}\u2100.example.com/",
    "with credentials": f"https://user:{MARKER}@example.com/",
    "a key": f"-----BEGIN PRIVATE KEY-----\n{MARKER}\n-----END PRIVATE KEY-----",
    "in a list": [MARKER],
    "in an object": {"value": MARKER},
    "in a list of lists": [[[[MARKER]]]],
}


@pytest.mark.parametrize("location", SECRETS, ids=places.path)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("marked", [True, False], ids=["encrypted", "plain"])
def test_a_wrong_secret_is_not_repeated(location: tuple[str | int, ...], shape: str, marked: bool) -> None:
    configuration = setting(location)
    put(configuration, location, SHAPES[shape])
    assert not leaked(reported(configuration, marked))


@pytest.mark.parametrize("location", SECRETS, ids=places.path)
@pytest.mark.parametrize("level", range(1, 6))
def test_a_secret_one_level_too_high_is_not_repeated(location: tuple[str | int, ...], level: int) -> None:
    for shape in (MARKER, [MARKER], {"x": MARKER}, json.dumps({"x": [MARKER]}) + "x"):
        configuration = setting(location)
        put(configuration, location[: -level or None] or location[:1], shape)
        for marked in (True, False):
            assert not leaked(reported(configuration, marked))


@pytest.mark.parametrize("location", [each for each in PLACES if "tags" not in each], ids=places.path)
def test_a_secret_in_place_of_a_key_is_not_repeated(location: tuple[str | int, ...]) -> None:
    """YAML takes `hunter2` for a key if it is followed by a colon or its line is indented too little."""
    for shape in ({MARKER: "x"}, {MARKER: {MARKER: MARKER}}, [{MARKER: 1}]):
        configuration = setting(location)
        put(configuration, location, shape)
        for marked in (True, False):
            assert not leaked(reported(configuration, marked))


def test_an_unknown_key_s_value_is_not_repeated() -> None:
    for name in ("stmp", "smtp.password", "influxDB", "host", "aws"):
        assert "is not a setting" in reported({name: {"password": MARKER}}, marked=False)
        assert not leaked(reported({name: {"password": MARKER}}, marked=False))
    for name, part in FULL.items():
        wrong = [{**part[0], "pasword": MARKER}] if isinstance(part, list) else {**part, "pasword": MARKER}
        assert not leaked(reported({name: wrong}, marked=False))


@pytest.mark.parametrize(
    "key", ["operatorCidrs", "tags", "domain", "grafanaVersion", "retention", "restoreFrom", REGION]
)
def test_an_encrypted_value_is_not_repeated_whichever_setting_it_is_in(key: str) -> None:
    for value in (MARKER, [MARKER], {MARKER: MARKER}, [MARKER, MARKER], f"10.0.0.1/{MARKER}"):
        text = reported({key: value}, marked=True)
        assert not leaked(text)
        assert "mistake" in text or (key == "tags" and isinstance(value, dict)), "only that is valid"


@pytest.mark.parametrize("address", [f"https://me:{MARKER}@a.b", f"https://a.b/?token={MARKER}", f"me:{MARKER}@a.b"])
def test_what_looks_like_a_secret_is_not_repeated(address: str) -> None:
    for configuration in (
        {"grafanaRepository": {"url": address}},
        {"hosts": [HOST | {"address": address}]},
        {"hosts": [HOST | {"inputs": {"nginx": {"urls": ["http://a.b", address]}}}]},
        {"hosts": [HOST | {"inputs": {"redis": {"servers": [address]}}}]},
        {"domain": address},
    ):
        text = reported(configuration, marked=False)
        assert "mistake" in text
        assert not leaked(text)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.just("x" * 300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=settings().max_examples * 4)
@given(
    st.sets(st.sampled_from(SECRETS), min_size=1),
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.tuples(st.sampled_from(PLACES), JUNK), max_size=3),
    st.sets(st.sampled_from(PLACES), max_size=2),
    st.booleans(),
)
def test_no_secret_is_repeated_together_with_other_mistakes(
    secrets: set[Any], shape: str, wrong: list[tuple[Any, Any]], gone: set[Any], marked: bool
) -> None:
    configuration = copy.deepcopy(FULL)
    for location in secrets:
        put(configuration, location, SHAPES[shape])
    for location, value in wrong:
        if not any(location == secret[: len(location)] for secret in secrets):
            put(configuration, location, value)
    for location in gone - secrets:
        *outer, last = location
        inner = configuration
        for step in outer:
            inner = inner[step] if isinstance(inner, dict) and step in inner else {}
        if isinstance(inner, dict):
            inner.pop(last, None)
    assert not leaked(reported(configuration, marked))
