"""Which settings accept text that means something to a shell, systemd, TOML, INI files, curl or Telegraf.

The settings in `TAKE` are quoted wherever they end up: tests/userdata/test_round_trips.py and test_curl.py read them
back. All others refuse such text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, BeforeValidator

from settings import Settings, SettingsError, load, places
from tests.settings.test_secrets_in_mistakes import FULL, PLACES, everywhere, put
from tests.support.certificates import CERTIFICATE
from tests.support.configuration import raw

MEANING = {
    "a line break": "a\nb",
    "a carriage return": "a\rb",
    "the end of a text in C": "a\0b",
    "another direction of writing": "a\u202eb",
    "a single quote": "a'b",
    "a double quote": 'a"b',
    "a backslash": "a\\b",
    "a command": "a$(id)b",
    "a variable": "a${INFLUX_PASSWORD}b",
    "a backtick": "a`id`b",
    "a comment": "a #b",
    "a section": "]\n[x",
    "a unit's specifier": "a%nb",
    "a template": "a{{ x }}b",
    "an option": "-oProxyCommand=id",
    "the end of a here-document": "END_OF_FILE\nid",
}

PASSWORDS = {
    *("influxdb.password", "smtp.password", "oauth.clientSecret", "contactPoints.webhookToken"),
    *("contactPoints.critical.webhookToken", "contactPoints.warning.webhookToken"),
    *("hosts[0].inputs.redis.password", "hosts[0].inputs.postgresql.password"),
}
TOKENS = {one for one in PASSWORDS if one.endswith("webhookToken")}
TAKE: dict[str, set[str]] = {
    "a single quote": {"hosts[0].tags.role"},
    "a double quote": PASSWORDS | {"hosts[0].tags.role"},
    "a backslash": PASSWORDS - {"hosts[0].inputs.postgresql.password"},
    "a command": PASSWORDS,
    "a variable": PASSWORDS,
    "a backtick": PASSWORDS | {"hosts[0].tags.role"},
    "a comment": PASSWORDS - TOKENS - {"hosts[0].inputs.postgresql.password"} | {"hosts[0].tags.role"},
    "a unit's specifier": PASSWORDS | {"hosts[0].tags.role", "smtp.user"},
    "a template": PASSWORDS - TOKENS - {"hosts[0].inputs.postgresql.password"} | {"hosts[0].tags.role"},
    "an option": PASSWORDS
    | {"hosts[0].tags.role", "smtp.user", "tags.team", "cloudwatchAccounts[0].externalId", "hostsByTag.Monitoring"},
}
"""Special text: the settings that accept it. sshKeyName accepts all of ASCII, and only EC2 gets it."""

SCALARS: dict[str, Any] = {
    **{"instanceType": "t3.small", "amiId": "ami-01234567", "vpcId": "vpc-01234567"},
    **{
        "subnetId": "subnet-01234567",
        "domain": "a.example.com",
        "cloudwatchRegion": "eu-central-1",
        "retention": "30d",
        "rollupRetention": "360d",
    },
    **{"collectionInterval": "10s", "grafanaVersion": "13.2.3", "influxdbVersion": "1.12.4-1", "bootTimeout": "15m"},
    **{"telegrafVersion": "1.39.3-1", "restoreFrom": "latest", "operatorCidrs": ["10.0.0.0/8"], "tags": {"team": "x"}},
    **{
        "grafanaRepository": {"url": "https://a.b", "keyUrl": "https://a.b/key", "suite": "stable", "component": "main"}
    },
    **{
        "influxdataRepository": {"keyFingerprint": "0" * 40, "rpmUrl": "https://a.b/$basearch/c"},
        "backups": {"schedule": "04:00", "keep": 7},
    },
    **{"publicCertificate": {"directory": "https://a.b/c", "email": "a@b.cc", "ca": CERTIFICATE}},
    **{"hostsByTag": {"Monitoring": "on"}},
    **{"permissionsBoundary": "arn:aws:iam::123456789012:policy/a", "kmsKey": "alias/a"},
    **{
        "database": {
            **{"kind": "timestream", "instanceType": "db.influx.large", "storage": 100, "multiAz": True},
            "standbySubnetId": "subnet-0123abcd",
        }
    },
    **{"cloudwatchAccounts": [{"name": "a", "roleArn": "arn:aws:iam::123456789012:role/a", "externalId": "id"}]},
    **{"runbooks": "https://git.example.com/runbooks.md"},
    **{"muteTimings": [{"name": "x", "weekdays": ["monday"], "times": ["08:00-09:00"], "location": "UTC"}]},
    **{"alertThresholds": {"interval": "1m", "silentAfter": "3m", "cpu": 95}},
}


def accepted(configuration: dict[str, Any], key: str) -> bool:
    """Whether no mistake is reported for this key."""
    try:
        load(raw(**configuration), tuple(f"monitoring:{name}" for name in configuration))
    except SettingsError as error:
        return not any(mistake.key.startswith(f"monitoring:{key}") for mistake in error.mistakes)
    return True


def path(location: tuple[str | int, ...]) -> str:
    first, *rest = location
    return str(first) + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)


def texts(whole: dict[str, Any], locations: list[tuple[str | int, ...]]) -> list[tuple[str | int, ...]]:
    """The places in a configuration that hold text."""

    def value(location: tuple[str | int, ...]) -> Any:
        found: Any = whole
        for step in location:
            found = found[step]
        return found

    return [location for location in locations if isinstance(value(location), str) and location[:2] != ("hosts", 1)]


@pytest.mark.parametrize("what", MEANING)
def test_only_these_settings_accept_special_text(what: str) -> None:
    taken = set()
    for whole, locations in ((FULL, PLACES), (SCALARS, list(everywhere(SCALARS)))):
        for location in texts(whole, locations):
            if location[0] in ("tags", "hostsByTag"):
                key = str(location[0])
            elif "tags" in location:
                key = path(location[: location.index("tags") + 1])
            else:
                key = path(location[:-1] if isinstance(location[-1], int) else location)
            one = {str(location[0]): copy.deepcopy(whole[str(location[0])])}
            put(one, location, MEANING[what])
            if accepted(one, key):
                taken.add(path(location))
    assert taken == TAKE.get(what, set())


def validators(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each setting that takes text, and the names of the functions that check it."""
    for field in model.model_fields.values():
        inner, name = places.part(field), f"{path}{field.alias}"
        kinds = [field.annotation, *get_args(field.annotation)]
        metadata = [*field.metadata, *(one for kind in kinds for one in getattr(kind, "__metadata__", ()))]
        found = {one.func.__qualname__ for one in metadata if isinstance(one, BeforeValidator)}
        if inner:
            yield from validators(inner, f"{name}.")
        elif re.search(r"\b(str|SecretStr|Any)\b", str(field.annotation)):
            yield name, found


def test_every_setting_that_takes_text_has_a_known_validator() -> None:
    found = list(validators(Settings))
    assert len(found) > 60
    assert not [name for name, checks in found if not checks]
    known = {
        *("region", "matching.<locals>.check", "domain", "_choice.<locals>.check", "duration.<locals>.check"),
        *(
            "far_address",
            "https_address",
            "web_address",
            "rpm_address",
            "fingerprint",
            "machine",
            "each.<locals>.run",
            "_tags",
        ),
        *("checked_name", "checked_tags", "host_key", "private_key", "certificates_of.<locals>.check", "_server"),
        *("agents_password", "password", "database_password", "_hook", "_slack", "_evaluation", "address", "_source"),
        *("socket.<locals>.check", "_namespace", "_name.<locals>.check", "_searchable", "_statistic", "_title"),
        *("grafana_unit", "_period", "_usable_grafana", "text", "_location", "_severity", "_kind", "_instance_type"),
        *("address_on_usual_port", "_role_path", "_together.<locals>.run", "_token", "one_tag"),
    }
    assert not {check for _, checks in found for check in checks} - known
