"""Checking an enormous value takes time in proportion to its length, not to the square of its length."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.shown import looks_secret
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.configuration import mistakes, raw

CPU_SECONDS = 5
"""Each took minutes once, and takes a fraction of a second now."""
BEGINNINGS = "-----BEGIN CERTIFICATE-----\n" * 40_000
ENORMOUS: dict[str, tuple[str, Any]] = {
    "colons": ("domain", ":" * 300_000),
    "colons before an @": ("domain", "a:" * 150_000 + " @"),
    "beginnings of addresses": ("domain", "://" * 100_000),
    "colons in a list": ("operatorCidrs", [":" * 300_000]),
    "colons in an object": ("grafanaRepository", {"url": ":" * 300_000}),
    "beginnings of certificates": ("certificate", {"certificate": BEGINNINGS, "privateKey": KEY}),
    "beginnings of keys": ("certificate", {"certificate": CERTIFICATE, "privateKey": BEGINNINGS}),
    "tags": ("tags", {f"t{number}": "x" for number in range(30_000)}),
}


@pytest.mark.parametrize("what", ENORMOUS)
def test_an_enormous_value_is_refused_quickly(what: str) -> None:
    key, value = ENORMOUS[what]
    began = time.process_time()
    lines = mistakes(raw(**{key: value, **({"domain": "m.example.com"} if key == "certificate" else {})}))
    assert time.process_time() - began < CPU_SECONDS
    assert any(line.startswith(f"monitoring:{key}") for line in lines)
    assert all(len(line) < 600 for line in lines)
    assert json.dumps(value)[1:200] not in "".join(lines)


@pytest.mark.parametrize("text", ["me:x@a.b", "https://me:x@a.b/", "a https://a.b/?x", "b://#", "x: :@", "PRIVATE KEY"])
def test_text_that_looks_like_a_secret(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text", ["a: b@c.d", "ops@example.com", "a:b c@d", "https://a.b/c", "a? ://b", "@:", ": @", ""]
)
def test_text_that_does_not_look_like_a_secret(text: str) -> None:
    assert not looks_secret(text)


@given(st.text(st.sampled_from(":@/?# a\n"), max_size=12))
def test_the_search_finds_what_a_slow_pattern_finds(text: str) -> None:
    assert looks_secret(text) == bool(re.search(r":[^\s@]*@|://\S*[?#]", text))
