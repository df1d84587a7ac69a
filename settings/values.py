"""The types of settings: each checks its value and says what to write instead.

Pulumi passes every value as a string, lists and objects as JSON; YAML has already turned `1.50` into
1.5 and left `no` as it is. So each type accepts exactly its own notation.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import BeforeValidator

from settings.mistakes import WrongValueError


def text(value: Any) -> str:
    """A non-empty string. A number that YAML made from an unquoted string is refused: it should have been quoted."""
    if isinstance(value, bool | int | float):
        raise WrongValueError("is not a string", 'write it in quotes: "{value}"', value=value)
    if not isinstance(value, str):
        raise WrongValueError("is not a string", "write a single value, not a list or an object")
    if not value.strip():
        raise WrongValueError("is empty", "write a value, or leave the key out")
    if value != value.strip() or _has_control(value):
        raise WrongValueError("has leading or trailing spaces or control characters", "write it without them")
    return value


def _has_control(value: str) -> bool:
    """Whether it contains a control character. Most strings are printable, which is quick to check and rules
    these categories out (docs.python.org, str.isprintable)."""
    return not value.replace("\n", "").isprintable() and any(map(_is_control, value))


def _is_control(character: str) -> bool:
    """Whether it is a control character other than a line break, a mark that changes the writing direction, or a
    surrogate."""
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs")


LONGEST_PASSWORD = 1024
"""Bytes. Tokens of hosted databases have 100; an AWS parameter holds 4,096, and an HTTP header twice as many."""


def password(value: Any) -> str:
    """One line without single quotes, so that it can be quoted in systemd's environment files and in TOML.

    man 5 systemd.exec (EnvironmentFile=), toml.io/en/v1.0.0#string: between single quotes nothing else is special.
    """
    if "'" in text(value) or "\n" in value:
        raise WrongValueError("has a single quote or a line break", "give that user a password without either")
    if len(value.encode()) > LONGEST_PASSWORD:
        raise WrongValueError(f"is longer than {LONGEST_PASSWORD} bytes", "give that user a shorter password")
    return str(value)


def agents_password(value: Any) -> str:
    """Like `password`, without anything that Telegraf reads as a reference to a secret store: it looks for @{STORE:KEY}
    in every password, and does not start without that store (its config/secret.go)."""
    if re.search(r"@\{.+?:.+?\}", password(value)):
        wrong = "contains @{…}, which Telegraf reads as a reference to a secret store"
        raise WrongValueError(wrong, "give that user another password")
    return str(value)


def matching(pattern: str, wrong: str, instead: str) -> BeforeValidator:
    """A validator of text that matches `pattern` as a whole."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not compiled.fullmatch(text(value)):
            raise WrongValueError(wrong, instead)
        return str(value)

    return BeforeValidator(check)


def whole(low: int, high: int, unit: str) -> BeforeValidator:
    """A validator of integers from low to high, both included."""

    def check(value: Any) -> int:
        written = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?[0-9]{1,18}", written):
            raise WrongValueError("is not an integer", f"write {low} to {high} ({unit})")
        if not low <= int(written) <= high:
            raise WrongValueError("is out of range", f"write {low} to {high} ({unit})")
        return int(written)

    return BeforeValidator(check)


def flag(value: Any) -> bool:
    """true or false, as JSON and Pulumi write them."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}
    guess = meant.get(str(value).lower())
    raise WrongValueError("is not true or false", f"write {guess}" if guess else "write true or false")


_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(duration: str) -> float:
    """Length in seconds of a duration such as "30d" or "1h30m"; "INF" is infinite."""
    if duration == "INF":
        return float("inf")
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d|w)", duration)
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


LONGEST = "5200w"
"""The limit of durations that may also be INF: a hundred years. InfluxDB counts in nanoseconds, up to 292 years."""


def duration(units: str, low: str, high: str, example: str, parts: int = len(_SECONDS)) -> BeforeValidator:
    """A validator of durations: at most `parts` numbers with `units` (such as m|h), the largest first, each once.

    Grafana's notification policies accept no others (github.com/prometheus/common, model/time.go, ParseDuration);
    InfluxQL, Telegraf and Go accept any order (influxql, parser.go, ParseDuration; Go's time.ParseDuration)."""
    one = re.compile(rf"([0-9]{{1,9}})({units})")
    pattern = re.compile(rf"({one.pattern}){{1,{parts}}}")
    with_unit = f"write a number with its unit ({units.replace('|', ', ')}), such as {example}"

    def check(value: Any) -> str:
        if value == "INF" and high == "INF":
            return "INF"
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise WrongValueError("is not a duration", with_unit)
        sizes = [_SECONDS[unit] for _, unit in one.findall(value)]
        if sizes != sorted(set(sizes), reverse=True):
            raise WrongValueError("has a unit twice, or a smaller one first", "write it like 1h30m")
        if not seconds(low) <= seconds(value) <= seconds(LONGEST if high == "INF" else high):
            raise WrongValueError("is out of range", f"write {low} to {high}, such as {example}")
        return value

    return BeforeValidator(check)


def fingerprint(value: Any) -> str:
    """An OpenPGP key's full fingerprint (version 4: RFC 9580, 5.5.4.2): 40 hexadecimal digits; spaces between them
    are dropped."""
    digits = re.sub(r"\s", "", text(value)).upper()
    if not re.fullmatch(r"[0-9A-F]{40}", digits):
        raise WrongValueError(
            "is not an OpenPGP key's full fingerprint",
            "write its 40 hexadecimal digits, as `gpg --show-keys` prints them (a key id is too short)",
        )
    return digits


Flag = Annotated[bool, BeforeValidator(flag)]
Fingerprint = Annotated[str, BeforeValidator(fingerprint)]
DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_NOBODYS = ("localhost", "localdomain", "localdomain4", "localdomain6", "invalid", "onion")


def domain(value: Any) -> str:
    """A DNS name in lower case, as in certificates (RFC 5280) and Grafana's `domain`; no reserved
    name (RFC 6761, RFC 7686)."""
    if not re.fullmatch(DOMAIN, text(value)):
        instead = "write the bare name in lowercase, such as monitoring.example.com"
        raise WrongValueError("is not a domain name", instead)
    if value.rpartition(".")[2] in _NOBODYS:
        raise WrongValueError(
            "is not a name that DNS can resolve", "write one of your own, such as monitoring.example.com"
        )
    return str(value)


Domain = Annotated[str, BeforeValidator(domain)]
# docs.influxdata.com/influxdb/v1/query_language/spec (identifiers between double quotes) and
# postgresql.org/docs/current/sql-syntax-lexical.html (63 bytes): both accept more, but these need no quotes anywhere.
Identifier = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}",
        "has characters that are not allowed here",
        "use up to 63 letters, digits, dots, dashes and underscores",
    ),
]
# man 5 sources.list
AptWord = Annotated[
    str,
    # No trailing slash: apt would then expect no component.
    matching(
        r"(?=.{1,64}$)[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*",
        "is not valid in an apt source",
        'write a word such as "stable"',
    ),
]
