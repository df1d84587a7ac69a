"""More ways to get the configuration wrong: YAML's surprises, absurd sizes, Unicode, injection, collisions.

As in test_settings.py, each is one line that names the key and says what to write instead, before anything else
happens.
"""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
import yaml

from tests.components.conftest import run_program
from tests.support.certificates import CERTIFICATE, KEY, certificate_text, ec_key, issue
from tests.support.configuration import mistakes, raw

YAML: list[tuple[str, str, str]] = [
    # as a person writes it in Pulumi.STACK.yaml; key; what is reported
    ("grafanaVersion: 13.10", "grafanaVersion", 'version; write the exact version in quotes, such as "1.39.3-1"'),
    ("grafanaVersion: 13", "grafanaVersion", "is not a full Debian package version"),
    ("influxdbVersion: 1.12", "influxdbVersion", "is not a full Debian package version"),
    ("protect: ~", "protect", "is not true or false; write"),
    ("protect: [true]", "protect", "is not true or false; write"),
    ("instanceType: 4", "instanceType", "is not an EC2 instance type; write family and size"),
    ("domain: no", "domain", "is not a domain name; write the bare name"),
    ("retention: 30", "retention", "is not a duration; write a number with its unit (h, d, w), such as 30d"),
    ("retention: 1:30:00", "retention", "is not a duration; write a number with its unit"),
    ("retention: {days: 30}", "retention", "is not a duration; write a number with its unit"),
    (
        "collectionInterval: 10",
        "collectionInterval",
        "is not a duration; write a number with its unit (s, m, h), such as 10s",
    ),
    (
        "alertThresholds: {silentAfter: 2d}",
        "alertThresholds.silentAfter",
        "is not a duration; write a number with its unit (s, m, h)",
    ),
    ("cloudwatchRegion: EU-central-1", "cloudwatchRegion", "is not an AWS region; did you mean eu-central-1?"),
    ("hostsFile: {path: /home/Jürgen/my hosts.yaml}", "hostsFile.path", "in letters, digits and . _ - /"),
    ("dataVolumeSize: 1e3", "dataVolumeSize", "is not an integer; write 1 to 16384 (GiB)"),
    ("dataVolumeSize: 20 GiB", "dataVolumeSize", "is not an integer; write 1 to 16384 (GiB)"),
    ("dataVolumeSize: .inf", "dataVolumeSize", "is not an integer; write 1 to 16384 (GiB)"),
    ("operatorCidrs: 203.0.113.0/24", "operatorCidrs", 'is a string, not a list; write a list: ["203.0.113.0/24"]'),
    ("operatorCidrs: [203.0.113.0/24, null]", "operatorCidrs", "is not an IPv4 range; write an IPv4 range"),
    ("operatorCidrs: ['203.0.113.0 /24']", "operatorCidrs", "is not an IPv4 range; write an IPv4 range"),
    ("operatorCidrs: [٢٠٣.0.113.0/24]", "operatorCidrs", "is not an IPv4 range; write an IPv4 range"),
    ("tags: {cost: 007}", "tags", 'is not a string; write it in quotes: "7"'),
    ("tags: {team: true}", "tags", "is not a string; write it in quotes"),
    ("tags: {team: ~}", "tags", "is not a string; write a single value"),
    ("tags: {since: [2026]}", "tags", "is not a string; write a single value"),
    ("alertThresholds: {cpu: 95%}", "alertThresholds.cpu", "is not a number; write a number of percent"),
    ("alertThresholds: {cpu: yes}", "alertThresholds.cpu", "is not a number; write a number of percent"),
    ("alertThresholds: {cpu: .nan}", "alertThresholds.cpu", "is not a number; write a number of percent"),
    ("alertThresholds: 95", "alertThresholds", "is not an object; write one `name: value` per line"),
    ("grafanaRepository: stable", "grafanaRepository", "is not an object; write one `name: value` per line"),
    ("grafanaRepository: {suite: 13}", "grafanaRepository.suite", 'is not a string; write it in quotes: "13"'),
]


def as_pulumi_passes_it(text: str) -> dict[str, str]:
    """A line of a stack's file, as YAML and Pulumi decode it."""
    (key, value), *_ = yaml.safe_load(text).items()
    return raw(**{key: value if isinstance(value, str) else json.dumps(value)})


@pytest.mark.parametrize(("text", "key", "reported"), YAML)
def test_a_surprise_of_yaml_is_reported(text: str, key: str, reported: str) -> None:
    (line,) = mistakes(as_pulumi_passes_it(text))
    assert line.startswith(f"monitoring:{key} =")
    assert reported in line


LONG = "x" * 100_000
ODD: list[tuple[str, Any, str]] = [
    # key, value, what is reported: absurd sizes
    ("domain", LONG + ".example.com", "is not a domain name"),
    ("sshKeyName", LONG, "is not the name of a key pair"),
    ("tags", {"team": LONG}, "is too long"),
    ("tags", {LONG: "x"}, "is too long"),
    ("retention", "9" * 400 + "d", "is not a duration"),
    ("retention", "999999999w", "is out of range"),
    ("retention", "1h" * 500, "is not a duration"),
    ("bootTimeout", "1m" * 500, "is not a duration"),
    ("collectionInterval", "1m30s", "is not a duration"),
    ("accessKeyGeneration", "9" * 5000, "is not an integer"),
    ("grafanaVersion", "1.2." + "3" * 5000, "is not a full Debian package version"),
    ("grafanaRepository", {"url": "https://a.b/" + LONG}, "is too long"),
    ("grafanaRepository", {"suite": LONG}, "is not valid in an apt source"),
    ("operatorCidrs", ["10.0.0.0/8" + "0" * 1000], "is not an IPv4 range"),
    # unicode
    ("domain", "bücher.example.com", "is not a domain name"),
    ("domain", "exa\u200bmple.com", "control characters"),
    ("domain", "\u202emoc.elpmaxe", "control characters"),
    ("instanceType", "ｔ3.small", "is not an EC2 instance type"),
    ("retention", "３０d", "is not a duration"),
    ("dataVolumeSize", "२०", "is not an integer"),
    ("sshKeyName", "schlüssel", "is not the name of a key pair"),
    ("tags", {"team": "a\u202eb"}, "control characters"),
    ("tags", {"team": "\ud800"}, "control characters"),
    ("tags", {"team": "🦊"}, "a character that AWS tags do not allow"),
    ("tags", {"te#am": "x"}, "a character that AWS tags do not allow"),
    ("tags", {"team": "a\nb"}, "a character that AWS tags do not allow"),
    ("tags", {"": "x"}, "is too long"),
    # what would end up in a shell, a URL, a statement, a file
    ("grafanaVersion", "13.2.3;reboot", "is not a full Debian package version"),
    ("grafanaVersion", "13.2.3\nPackage: *", "is not a full Debian package version"),
    ("grafanaVersion", "13.2.3$(id)", "is not a full Debian package version"),
    ("telegrafVersion", "1.39.3-1'; id; '", "is not a full Debian package version"),
    ("retention", "30d DEFAULT; DROP DATABASE telegraf", "is not a duration"),
    ("retention", "30d\n", "is not a duration"),
    ("domain", "a.example.com\nprotocol = http", "is not a domain name"),
    ("domain", "$(id).example.com", "is not a domain name"),
    ("sshKeyName", "me\nyou", "is not the name of a key pair"),
    ("grafanaRepository", {"url": "https://a.b/ [trusted=yes]"}, "is not a URL"),
    ("grafanaRepository", {"url": "https://a.b/?x"}, "is not a URL"),
    ("grafanaRepository", {"url": "file:///etc"}, "is not a URL"),
    ("grafanaRepository", {"url": "https://a.b:99999"}, "has the port 99999, which does not exist"),
    ("grafanaRepository", {"url": "https://a.b:0"}, "has the port 0, which does not exist"),
    ("grafanaRepository", {"url": "https://-a.b"}, "is not a URL"),
    ("grafanaRepository", {"url": "https://a..b"}, "is not a URL"),
    ("grafanaRepository", {"suite": "stable/"}, "is not valid in an apt source"),
    ("grafanaRepository", {"suite": "-o"}, "is not valid in an apt source"),
    ("grafanaRepository", {"suite": "../.."}, "is not valid in an apt source"),
    ("grafanaRepository", {"component": "main [trusted=yes]"}, "is not valid in an apt source"),
    ("grafanaRepository", {"component": "main;id"}, "is not valid in an apt source"),
    ("influxdataRepository", {"keyFingerprint": "24C975CBA61A024EE1B631787C3D57159FC2F927; id"}, "full fingerprint"),
    ("influxdataRepository", {"rpmUrl": "https://a.b/$releasever/$basearch"}, "variable other than $basearch"),
    ("influxdataRepository", {"rpmUrl": "https://$basearch/main"}, "variable other than $basearch"),
    ("influxdataRepository", {"rpmUrl": "https://a.b/${basearch}"}, "variable other than $basearch"),
    ("influxdataRepository", {"rpmUrl": "https://127.0.0.1/$basearch"}, "is loopback"),
    ("influxdataRepository", {"rpmUrl": 7}, "is not a URL"),
    ("influxdataRepository", {"rpmUrl": "https://a.b/$basearch\nenabled=1"}, "variable other than $basearch"),
    ("influxdataRepository", {"keyUrl": "https://a.b/key -o /etc/passwd"}, "is not a URL"),
    # collisions and contradictions
    ("tags", {"Project": "x"}, "is set by this program"),
    ("tags", {"name": "x"}, "is set by this program"),
    ("tags", {"team": "x", "Team": "y"}, "is given twice, differing only in case"),
    ("tags", {"AWS:team": "x"}, "starts with aws:"),
    ("operatorCidrs", [f"10.{n}.0.0/16" for n in range(60)], "has 60 elements"),
]


@pytest.mark.parametrize(("key", "value", "reported"), ODD, ids=lambda v: ascii(v)[:40])
def test_an_odd_value_is_reported(key: str, value: Any, reported: str) -> None:
    (line,) = mistakes(raw(**{key: value}))
    assert line.startswith(f"monitoring:{key}")
    assert reported in line
    assert len(line) < 500, "values are shortened"
    assert line.isprintable()
    assert "; " in line, "what to write instead"


IMPOSSIBLE: list[tuple[dict[str, Any], str, str]] = [
    (
        {
            "operatorCidrs": [f"10.{n}.0.0/16" for n in range(40)],
            "agentCidrs": [f"11.{n}.0.0/16" for n in range(40)],
        },
        "operatorCidrs",
        "makes 80 rules together with agentCidrs and sshCidrs; EC2 allows 60",
    ),
    ({"sshCidrs": ["0.0.0.0/0"], "sshKeyName": "me"}, "sshCidrs", "would let the whole internet try to log in"),
    (
        {"alertThresholds": {"silentAfter": "12h", "forgetAfter": "1h"}},
        "alertThresholds",
        "forgets hosts almost as soon as they fall silent",
    ),
]


@pytest.mark.parametrize(("changes", "key", "reported"), IMPOSSIBLE)
def test_contradictory_settings_are_reported(changes: dict[str, Any], key: str, reported: str) -> None:
    (line,) = mistakes(raw(**changes))
    assert line.startswith((f"monitoring:{key}:", f"monitoring:{key} = "))
    assert reported in line


SECRETS: list[tuple[str, dict[str, Any], str, str]] = [
    ("certificate", {"certificate": certificate_text(issue(ec_key(), filling=6500))}, "certificate", "8192 bytes"),
    ("certificate", {"ca": certificate_text(issue(ec_key(), filling=3500))}, "ca", "4096 bytes"),
    ("certificate", {"ca": "no"}, "ca", "is not PEM text"),
    ("certificate", {"privateKey": KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")}, "privateKey", "a passphrase"),
    ("influxdb", {"url": "https://a.b:70000"}, "url", "has the port 70000"),
    ("influxdb", {"url": "https://a.b/x?db=y"}, "url", "is not a URL"),
    ("influxdb", {"url": "udp://a.b"}, "url", "is not a URL"),
    ("influxdb", {"url": "https://[2001:db8::1]:8086"}, "url", "has an IPv6 address, which the server, with IPv4 only"),
    ("influxdb", {"database": "a b"}, "database", "not allowed here"),
    ("influxdb", {"database": 'a" ON "b'}, "database", "not allowed here"),
    ("influxdb", {"username": "a\nb"}, "username", "not allowed here"),
    ("influxdb", {"username": "${HOME}"}, "username", "not allowed here"),
    ("influxdb", {"password": "a\nb"}, "password", "a line break"),
    ("influxdb", {"password": "a'b"}, "password", "a single quote"),
    ("influxdb", {"password": "a\x7fb"}, "password", "control characters"),
    ("influxdb", {"password": 12345678}, "password", "is not a string; write it in quotes"),
    ("influxdb", {"password": ""}, "password", "is empty"),
    ("influxdb", {"own": "both"}, "own", "write shown while dashboards show the server's own InfluxDB, or kept"),
    ("influxdb", {"own": True}, "own", "is neither shown nor kept"),
]
WHOLE: dict[str, dict[str, Any]] = {
    "certificate": {"certificate": CERTIFICATE, "privateKey": KEY},
    "influxdb": {"url": "https://a.b", "username": "u", "password": "p"},
}


@pytest.mark.parametrize(("key", "change", "inside", "reported"), SECRETS, ids=lambda v: ascii(v)[:40])
def test_a_wrong_value_next_to_a_secret_is_reported(
    key: str, change: dict[str, Any], inside: str, reported: str
) -> None:
    more: dict[str, Any] = {"domain": "m.example.com"} if key == "certificate" else {"agentCidrs": []}
    (line,) = mistakes(raw(**more, **{key: WHOLE[key] | change}), (f"monitoring:{key}",))
    assert line.startswith(f"monitoring:{key}.{inside}")
    assert reported in line
    assert "x" * 50 not in line
    assert "M" * 50 not in line


@pytest.mark.parametrize("changes", [{"protect": "no"}, {"tags": {"te#am": "x"}}, {"influxdbVersion": "1.12"}])
def test_a_mistake_ends_the_program_before_it_requests_anything(changes: dict[str, Any]) -> None:
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.components.conftest.Cloud.new_resource", lambda _, args: made.append(args.name))
        patch.setattr("tests.components.conftest.Cloud.call", lambda _, args: made.append(args.token))
        with pytest.raises(pulumi.RunError, match="nothing was changed"):
            run_program(changes)
    assert made == []
