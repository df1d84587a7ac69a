"""Values that were once accepted although whatever uses them refuses them, or that once caused a traceback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest

from settings import Settings, load
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.configuration import HOST, HOSTS_SECRET, mistakes, raw

OTHER = HOST | {"name": "web-2", "address": "198.51.100.8"}
INFLUXDB = {"url": "https://a.b", "username": "u", "password": "p"}
SLACK = "https://hooks.slack.com/services/T0/B0/x"
SMTP = {"host": "smtp.example.com", "user": "u", "password": "p", "sender": "a@b.cc"}
OAUTH = {"clientId": "c", "clientSecret": "p"} | dict.fromkeys(("authUrl", "tokenUrl", "apiUrl"), "https://a.b/c")
MARKED = (
    "monitoring:oauth",
    "monitoring:certificate",
    "monitoring:influxdb",
    "monitoring:smtp",
    "monitoring:contactPoints",
    *HOSTS_SECRET,
    "monitoring:deadMansSwitch",
)

NONSENSE: list[tuple[dict[str, Any], str, str]] = [
    # changed settings, key, what is reported
    ({"alertThresholds": {"silentAfter": "2h"}, "retention": "1h"}, "alertThresholds", "silentAfter above retention"),
    ({"alertThresholds": {"forgetAfter": "3d"}, "retention": "2d"}, "alertThresholds", "forgetAfter above retention"),
    ({"collectionInterval": "1h", "retention": "1h"}, "collectionInterval", "silent only after retention"),
    ({"alertThresholds": {"backupAge": "24h"}}, "alertThresholds", "below the time between two backups"),
    ({"backups": {"schedule": "0٤:00"}}, "backups.schedule", "is not a time of day"),
    ({"restoreFrom": "٢٠٢٦-11-24T04-00-00Z"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "2026-13-24T04-00-00Z"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://bbb/../latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://bbb/./latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://b..b/prod/latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://192.0.2.1/prod/latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://xn--bbb/prod/latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://bbb-s3alias/prod/latest"}, "restoreFrom", "does not name a backup"),
    ({"influxdbVersion": "2.7.12-1"}, "influxdbVersion", "is not a 1.x version"),
    ({"influxdbVersion": "1:2.7.12-1"}, "influxdbVersion", "is not a 1.x version"),
    ({"influxdbVersion": "1.6.4-1"}, "influxdbVersion", "write 1.7.0 or later"),
    ({"grafanaVersion": "7.5.17"}, "grafanaVersion", "write 12.0.0 or later"),
    ({"grafanaVersion": "11.6.9"}, "grafanaVersion", "write 12.0.0 or later"),
    ({"influxdbVersion": "10.1.1-1"}, "influxdbVersion", "is not a 1.x version"),
    (
        {"sshCidrs": ["0.0.0.0/1", "128.0.0.0/1"], "sshKeyName": "me"},
        "sshCidrs",
        "would let the whole internet try to log in",
    ),
    ({"sshCidrs": ["0.0.0.0/2", "64.0.0.0/2"], "sshKeyName": "me"}, "sshCidrs", "would let half the world"),
    *(
        ({"operatorCidrs": [cidr]}, "operatorCidrs", f"is a {kind} range")
        for cidr, kind in {
            "127.0.0.0/8": "loopback",
            "127.0.0.1/32": "loopback",
            "224.0.0.0/4": "multicast",
            "239.1.2.3/32": "multicast",
            "169.254.0.0/16": "link-local",
            "240.0.0.0/4": "reserved",
            "255.255.255.255/32": "reserved",
            "0.0.0.0/32": "this-network",
        }.items()
    ),
    ({"operatorCidrs": ["10.0.0.0/08"]}, "operatorCidrs", "is not an IPv4 range"),
    *(
        ({"hosts": [HOST | {"address": address}]}, "hosts[0].address", reported)
        for address, reported in {
            "127.0.0.1": "is loopback, where every machine reaches itself",
            "127.9.9.9": "is loopback, where every machine reaches itself",
            "::1": "is loopback, where every machine reaches itself",
            "::ffff:127.0.0.1": "is loopback, where every machine reaches itself",
            "localhost": "is loopback, where every machine reaches itself",
            "LOCALHOST": "is loopback, where every machine reaches itself",
            "localhost6": "is loopback, where every machine reaches itself",
            "ip6-loopback": "is loopback, where every machine reaches itself",
            "localhost6.localdomain6": "is loopback, where every machine reaches itself",
            "0.0.0.0": "is not the address of a single host",  # noqa: S104
            "::": "is not the address of a single host",
            "224.0.0.1": "is not the address of a single host",
            "ff02::1": "is not the address of a single host",
            "255.255.255.255": "is not the address of a single host",
            "fe80::1%${INFLUX_PASSWORD}": "is not a host name or address",
            "fe80::1%a\nb": "is not a host name or address",
            "fe80::1%$(id)": "is not a host name or address",
            "fe80::1%25eth0": "has %25 instead of %, as in a URL",
            "fe80::1%a b": "is not a host name or address",
            "2001:db8::1%eth0": "is not a host name or address",
        }.items()
    ),
    (
        {"hosts": [HOST | {"inputs": {"ping": {"targets": ["fe80::1%${INFLUX_PASSWORD}"]}}}]},
        "hosts[0].inputs.ping.targets",
        "is not a host name or address",
    ),
    ({"influxdb": INFLUXDB | {"password": "x" * 10_000}}, "influxdb.password", "is longer than 1024 bytes"),
    ({"influxdb": INFLUXDB | {"password": "é" * 600}}, "influxdb.password", "is longer than 1024 bytes"),
    ({"influxdb": INFLUXDB | {"url": "https://a.b/" + "x" * 1100}}, "influxdb.url", "is too long"),
    ({"influxdb": INFLUXDB | {"url": "https://a.b/x/../y"}}, "influxdb.url", "has . or .. in its path"),
    ({"domain": "ssm.eu-central-1.amazonaws.com"}, "domain", "is one of AWS's own addresses"),
    ({"domain": "s3.eu-central-1.amazonaws.com"}, "domain", "is one of AWS's own addresses"),
    ({"domain": "ssm.cn-north-1.amazonaws.com.cn"}, "domain", "is one of AWS's own addresses"),
    ({"domain": "ssm.eu-central-1.api.aws"}, "domain", "is one of AWS's own addresses"),
    *(
        ({"domain": domain}, "domain", reported)
        for domain, reported in {
            "apt.grafana.com": "is the host in grafanaRepository.url,",
            "deb.debian.org": "is the host in Debian's repository,",
            "a.on.aws": "is one of AWS's own addresses",
            "instance-data.ec2.internal": "is one of AWS's own addresses",
            "localhost.localdomain": "is not a name that DNS can resolve",
            "a.localhost": "is not a name that DNS can resolve",
            "a.invalid": "is not a name that DNS can resolve",
        }.items()
    ),
    ({"domain": "hooks.slack.com", "contactPoints": {"slack": SLACK}}, "domain", "contactPoints.slack"),
    *(
        ({"domain": host, "contactPoints": points}, "domain", f"is the host in contactPoints.{key},")
        for host, points, key in [
            ("a.example.com", {"webhook": "https://A.example.com/x"}, "webhook"),
            ("a.example.com", {"slack": SLACK, "critical": {"webhook": "https://a.example.com/x"}}, "critical.webhook"),
            ("events.pagerduty.com", {"slack": SLACK, "warning": {"pagerduty": "p" * 32}}, "warning.pagerduty"),
        ]
    ),
    (
        {
            **{"domain": "hc.example.com", "contactPoints": {"slack": SLACK}},
            "deadMansSwitch": {"heartbeat": "https://hc.example.com/x"},
        },
        "domain",
        "is the host in deadMansSwitch.heartbeat,",
    ),
    *(
        ({"domain": "a.example.com", name: {key: "https://a.example.com/x"}}, "domain", f"is the host in {name}.{key},")
        for name in ("grafanaRepository", "influxdataRepository")
        for key in ("url", "keyUrl")
    ),
    (
        {"domain": "a.example.com", "influxdb": INFLUXDB | {"url": "https://a.example.com"}},
        "domain",
        "in influxdb.url,",
    ),
    ({"domain": "events.pagerduty.com", "contactPoints": {"pagerduty": "p" * 32}}, "domain", "contactPoints.pagerduty"),
    ({"domain": "web-1.example.com", "hosts": [HOST | {"address": "Web-1.example.com"}]}, "domain", "hosts[0].address"),
    # S3 buckets with names like a machine's
    ({"domain": "compute.s3.eu-central-1.amazonaws.com"}, "domain", "is one of AWS's own addresses"),
    ({"domain": "ssm.compute.amazonaws.com"}, "domain", "is one of AWS's own addresses"),
    ({"domain": "ec2-198-51-100-7.compute.s3.amazonaws.com"}, "domain", "is one of AWS's own addresses"),
    # other partitions of AWS
    ({"cloudwatchRegion": "us-gov-west-1"}, "cloudwatchRegion", "is in another AWS partition"),
    (
        {"permissionsBoundary": "arn:aws-us-gov:iam::123456789012:policy/a"},
        "permissionsBoundary",
        "is in another AWS partition",
    ),
    (
        {"customMetrics": [{"namespace": "AWS/SQS", "metric": "M", "region": "us-gov-west-1"}]},
        "customMetrics[0].region",
        "is in another AWS partition",
    ),
    # times
    ({"alertThresholds": {"forgetAfter": "3h"}, "collectionInterval": "1h"}, "alertThresholds", "forgets hosts"),
    ({"alertThresholds": {"forgetAfter": "1h", "interval": "1h"}}, "alertThresholds", "two evaluations"),
    ({"alertThresholds": {"backupAge": "30d"}, "backups": {"keep": 1}}, "alertThresholds", "no backup is left"),
    ({"alertThresholds": {"certificateDays": 31}}, "alertThresholds", "certificateDays above 30"),
    ({"alertThresholds": {"cpu": 100}}, "alertThresholds.cpu", "write 1 to 99"),
    # durations that Grafana's notification policies would refuse, at the end of an `up`
    (
        {"contactPoints": {"slack": SLACK, "repeatCritical": "30m1h"}},
        "contactPoints.repeatCritical",
        "a smaller one first",
    ),
    ({"contactPoints": {"slack": SLACK, "repeatWarning": "1h1h"}}, "contactPoints.repeatWarning", "has a unit twice"),
    ({"retention": "1h2d"}, "retention", "a smaller one first"),
    ({"bootTimeout": "10m10m"}, "bootTimeout", "has a unit twice"),
    ({"restoreFrom": "2026-02-30T04-00-00Z"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://bbb/.../latest"}, "restoreFrom", "does not name a backup"),
    ({"restoreFrom": "s3://bbb/-a/latest"}, "restoreFrom", "does not name a backup"),
    # ranges
    ({"operatorCidrs": ["224.0.0.0/3"]}, "operatorCidrs", "has only ranges from which no client can connect"),
    ({"operatorCidrs": ["::/1"]}, "operatorCidrs", "is not an IPv4 range"),
    ({"sshCidrs": ["0.0.0.0/2"], "sshKeyName": "me"}, "sshCidrs", "1056 million addresses"),
    ({"sshCidrs": ["11.0.0.0/8", "12.0.0.0/32"], "sshKeyName": "me"}, "sshCidrs", "16 million addresses"),
    ({"operatorCidrs": ["192.0.0.0/25"]}, "operatorCidrs", "is a protocol-assignment range"),
    ({"operatorCidrs": ["10.0.0.256"]}, "operatorCidrs", "is not an IPv4 range"),
    (
        {"sshCidrs": [f"{n}.0.0.0/8" for n in range(11, 61)], "sshKeyName": "me"},
        "sshCidrs",
        "would let 838 million addresses try",
    ),
    (
        {"sshCidrs": [str(n) for n in IPv4Network("0.0.0.0/0").address_exclude(IPv4Network("9.9.9.9"))]},
        "sshCidrs",
        "half the world",
    ),
    # addresses with a special meaning, and in unusual notations
    *(
        ({"hosts": [HOST | {"address": address}]}, "hosts[0].address", reported)
        for address, reported in {
            "localhost.localdomain": "is loopback, where every machine reaches itself",
            "ip6-localhost": "is loopback, where every machine reaches itself",
            "64:ff9b::7f00:1": "is loopback, where every machine reaches itself",
            "2002:7f00:1::": "is loopback, where every machine reaches itself",
            "127.1": "is not a host name or address",
            "0x7f000001": "is not a host name or address",
            "0x7f.1": "is not a host name or address",
            "a.123": "is not a host name or address",
            "web.example.com.": "is not a host name or address",
            "::127.0.0.1": "is not the address of a single host",
            "100::1": "is not the address of a single host",
            "fec0::1": "is not the address of a single host",
            "0.1.2.3": "is not the address of a single host",
            "::ffff:224.0.0.1": "is not the address of a single host",
            "64:ff9b::e000:1": "is not the address of a single host",
            "fe80::1": "is link-local without an interface",
            "169.254.1.1": "is link-local",
            "::ffff:169.254.169.254": "is link-local",
            "fd00:ec2::254": "is link-local",
            "fd00:ec2::253": "is link-local",
            "fe80::1%lo": "is link-local on the loopback interface",
            "192.0.0.8": "is not the address of a single host",
            "ip6-allnodes": "is the name of a group",
            "instance-data.ec2.internal": "AWS's metadata service",
            "web-1.invalid": "is not a name that DNS can resolve",
            "web-1.ONION": "is not a name that DNS can resolve",
        }.items()
    ),
    *(
        ({"influxdb": INFLUXDB | {"url": url}}, "influxdb.url", reported)
        for url, reported in {
            "https://localhost:8086": "is loopback, where every machine reaches itself",
            "https://127.0.0.1": "is loopback, where every machine reaches itself",
            "https://169.254.169.254": "is link-local",
            "https://224.0.0.1": "is not the address of a single host",
            "https://256.1.1.1": "is not a host name or address",
            "https://1.2.3.4.5": "is not a host name or address",
            "https://0x7f.1": "is not a host name or address",
            "https://[::1]": "has an IPv6 address",
        }.items()
    ),
    *(
        ({"contactPoints": {"webhook": url}}, "contactPoints.webhook", reported)
        for url, reported in {
            "https://localhost/x": "is loopback, where every machine reaches itself",
            "https://169.254.169.254/latest": "is link-local",
            "https://a..b/x": "is not a URL",
            "https://a.b/é": "has characters that a URL cannot have",
            "https://a.b/%zz": "has characters that a URL cannot have",
            'https://a.b/"': "has characters that a URL cannot have",
        }.items()
    ),
    (
        {"grafanaRepository": {"url": "https://127.0.0.1"}},
        "grafanaRepository.url",
        "is loopback, where every machine reaches itself",
    ),
    (
        {"grafanaRepository": {"url": "https://instance-data.ec2.internal"}},
        "grafanaRepository.url",
        "AWS's metadata service",
    ),
    ({"grafanaVersion": "013.1.0"}, "grafanaVersion", "is not a full Debian package version"),
    ({"grafanaVersion": "13.1.00"}, "grafanaVersion", "is not a full Debian package version"),
    *(
        ({"contactPoints": {"slack": url}}, "contactPoints.slack", "is not a Slack incoming webhook")
        for url in (
            "https://hooks.slack.com/",
            "https://hooks.slack.com/services/",
            "https://hooks.slack.com/services/?x",
        )
    ),
    *(
        (
            {"contactPoints": {"webhook": "https://a.b/x", "webhookToken": token}},
            "contactPoints.webhookToken",
            "has characters that no bearer token has",
        )
        for token in ("Bearer abc", "é", "a\u2028b", "a\u00a0b")
    ),
    ({"tags": {" team": "x"}}, "tags", '" team" has a name with leading or trailing spaces'),
    ({"tags": {"team ": "x"}}, "tags", '"team " has a name with leading or trailing spaces'),
    ({"grafanaRepository": {"suite": "a/../b"}}, "grafanaRepository.suite", "is not valid in an apt source"),
    *(
        ({"hosts": [HOST | {"inputs": inputs}]}, f"hosts[0].inputs.{key}", reported)
        for inputs, key, reported in [
            ({"systemdUnits": {"units": ["nginx"]}}, "systemdUnits.units", "is not a service"),
            ({"systemdUnits": {"units": ["nginx.socket"]}}, "systemdUnits.units", "is not a service"),
            ({"systemdUnits": {"units": ["--all"]}}, "systemdUnits.units", "is not the name of a systemd service"),
            ({"redis": {"servers": ["unix:///a/../b"]}}, "redis.servers", "is not a Redis server"),
            ({"redis": {"servers": ["tcp://0.0.0.0:1"]}}, "redis.servers", "is not the address of a single host"),
            ({"redis": {"servers": ["tcp://a:1", "tcp://A:01"]}}, "redis.servers", "contains tcp://a:1 twice"),
            ({"redis": {"password": "x@{a:b}"}}, "redis.password", "reads as a reference to a secret store"),
            ({"docker": {"endpoint": "unix:///var/../x"}}, "docker.endpoint", "is not the address of a Docker API"),
            ({"postgresql": {"host": "/../.."}}, "postgresql.host", "is neither a host nor a socket's directory"),
            ({"postgresql": {"host": "/" + "x" * 92}}, "postgresql.host", "is neither a host nor a socket's directory"),
            ({"postgresql": {"host": "a..b"}}, "postgresql.host", "is neither a host nor a socket's directory"),
            ({"postgresql": {"database": ".."}}, "postgresql.database", "not allowed here"),
            ({"postgresql": {"password": "x@{a:b}"}}, "postgresql.password", "reads as a reference to a secret store"),
            ({"nginx": {"urls": ["http://a.b", "http://A.b:080/"]}}, "nginx.urls", "contains http://a.b twice"),
            ({"nginx": {"urls": ["http://127.1/"]}}, "nginx.urls", "is not a host name or address"),
            ({"ping": {"targets": ["::1", "0:0::1"]}}, "ping.targets", "contains ::1 twice"),
            ({"ping": {"targets": ["a.b", "A.B"]}}, "ping.targets", "contains a.b twice"),
        ]
    ),
    ({"influxdb": INFLUXDB | {"password": "a@{b:c}d"}}, "influxdb.password", "reads as a reference to a secret store"),
    ({"influxdb": INFLUXDB | {"database": ".."}}, "influxdb.database", "not allowed here"),
    ({"hosts": [HOST | {"name": "All"}]}, "hosts[0].name", "stands for all hosts in dashboards' addresses"),
    ({"hosts": [HOST | {"name": "Monitoring-prod"}]}, "hosts[0].name", "is reserved for monitoring servers"),
    *(
        ({"contactPoints": {"email": [mail]}, "smtp": SMTP}, "contactPoints.email", reported)
        for mail, reported in {
            ".a@example.com": "is not an email address",
            "a..b@example.com": "is not an email address",
            "a@-b.example.com": "is not an email address",
            "a@b.123": "is not an email address",
            "a@b.invalid": "has a domain that DNS cannot resolve",
            "a@localhost.localdomain": "has a domain that DNS cannot resolve",
        }.items()
    ),
    # what EC2 and Debian would refuse
    ({"amiId": "ami-123456789"}, "amiId", "is not an AMI ID"),
    ({"subnetId": "subnet-0123456789"}, "subnetId", "is not a subnet ID"),
    ({"instanceType": "mac2.metal"}, "instanceType", "is not an EC2 instance type"),
    ({"instanceType": "c5.0xlarge"}, "instanceType", "is not an EC2 instance type"),
    ({"instanceType": "m5." + "9" * 500 + "xlarge"}, "instanceType", "is not an EC2 instance type"),
    ({"telegrafVersion": "1.39.3-"}, "telegrafVersion", "is not a full Debian package version"),
    ({"telegrafVersion": "1.38.5-1"}, "telegrafVersion", "write 1.39.0 or later"),
    ({"domain": "smtp.example.com", "smtp": SMTP, "contactPoints": {"email": ["a@b.cc"]}}, "domain", "smtp.host,"),
    # what belongs to someone else, or does not exist
    ({"influxdb": INFLUXDB | {"database": "_internal"}}, "influxdb.database", "is InfluxDB's own"),
    ({"influxdb": INFLUXDB | {"database": "_tasks"}}, "influxdb.database", "is InfluxDB's own"),
    (
        {"hosts": [HOST | {"inputs": {"postgresql": {"database": "template0"}}}]},
        "hosts[0].inputs.postgresql.database",
        "accepts no connections",
    ),
    (
        {"kmsKey": f"arn:aws-us-gov:kms:eu-central-1:123456789012:key/mrk-{'0' * 32}"},
        "kmsKey",
        "is in the AWS partition aws-us-gov, and eu-central-1 is in aws",
    ),
    ({"restoreFrom": "2999-01-01T00-00-00Z"}, "restoreFrom", "is in the future"),
    ({"restoreFrom": "s3://bbb/prod/2999-01-01T00-00-00Z"}, "restoreFrom", "is in the future"),
    ({"hostsByTag": {" Monitoring": "on"}}, "hostsByTag", "has a name with leading or trailing spaces"),
    ({"hostsByTag": {"tag:Monitoring": "on"}}, "hostsByTag", "write only the tag's name"),
    ({"hosts": [HOST | {"address": "localhost4"}]}, "hosts[0].address", "is loopback"),
    ({"hosts": [HOST | {"address": "localhost4.localdomain4"}]}, "hosts[0].address", "is loopback"),
    ({"domain": "m.localdomain4"}, "domain", "is not a name that DNS can resolve"),
    # mute timings that together mute everything
    *(
        ({"contactPoints": {"slack": SLACK}, "muteTimings": timings}, "muteTimings", f"together mute {severity} alerts")
        for severity, timings in [
            (
                "warning",
                [{"name": "a", "weekdays": ["monday:friday"]}, {"name": "b", "weekdays": ["saturday", "sunday"]}],
            ),
            ("warning", [{"name": "a", "times": ["00:00-12:00"]}, {"name": "b", "times": ["11:00-24:00"]}]),
            (
                "critical",
                [
                    {"name": "a", "times": ["00:00-12:00"], "severity": "both"},
                    {"name": "b", "times": ["12:00-24:00"], "severity": "critical"},
                ],
            ),
        ]
    ),
    # expressions that would fail at each login
    *(
        (
            {"domain": "m.example.com", "oauth": OAUTH | {"roleAttributePath": path}},
            "oauth.roleAttributePath",
            "calls sort_by without & in front of an expression",
        )
        for path in ("sort_by(groups, name)", "sort_by(&groups, &name)")
    ),
]


@pytest.mark.parametrize(("changes", "key", "reported"), NONSENSE, ids=lambda value: ascii(value)[:60])
def test_unusable_settings_are_refused(changes: dict[str, Any], key: str, reported: str) -> None:
    if "influxdb" in changes:
        changes |= {"agentCidrs": []}
    if "sshCidrs" in changes:
        changes |= {"sshKeyName": "me"}
    if "contactPoints" in changes and "email" in changes["contactPoints"]:
        changes |= {"smtp": SMTP}
    (line,) = mistakes(raw(**changes), MARKED)
    assert line.startswith((f"monitoring:{key}:", f"monitoring:{key} = "))
    assert reported in line
    assert "; " in line
    assert len(line) < 400


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"address": "2001:db8::1"}, {"address": "2001:0DB8:0:0:0:0:0:1"}),
        ({"address": "198.51.100.7"}, {"address": "::ffff:198.51.100.7"}),
        ({"address": "198.51.100.7", "port": "022"}, {"address": "198.51.100.7"}),
        ({"address": "198.51.100.7", "port": 22}, {"address": "198.51.100.7", "port": "22"}),
        ({"address": "db.example.com"}, {"address": "DB.Example.com"}),
        ({"address": "198.51.100.7"}, {"address": "::ffff:c633:6407"}),
        ({"address": "198.51.100.7"}, {"address": "64:ff9b::c633:6407"}),
    ],
)
def test_one_address_written_in_two_ways_is_a_duplicate(first: dict[str, Any], second: dict[str, Any]) -> None:
    (line,) = mistakes(raw(hosts=[HOST | first, OTHER | second]), HOSTS_SECRET)
    assert line.startswith("monitoring:hosts[1].address")
    assert "is also the address of an earlier host" in line


FIELDS = sorted(str(field.alias) for field in Settings.model_fields.values())
ABSURD = {
    "deep lists": "[" * 100_000 + "]" * 100_000,
    "deep lists that do not end": "[" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "rather deep": "[" * 500 + "]" * 500,
    "a number of 5,000 digits": "[" + "9" * 5000 + "]",
    "the same in an object": '{"a": -' + "9" * 5000 + "}",
    "the same alone": "9" * 5000,
    "a number too large for a float": "[1e999999]",
    "not a number": "[NaN]",
    "half of a surrogate pair": '["\\ud800"]',
}


@pytest.mark.parametrize("what", ABSURD)
def test_no_absurd_value_ends_in_a_traceback(what: str) -> None:
    for name in FIELDS:
        key = name if ":" in name else f"monitoring:{name}"
        lines = mistakes(raw() | {key: ABSURD[what]})
        assert any(line.startswith(key) for line in lines), key
        assert all(len(line) < 600 for line in lines)
    inside = json.dumps([HOST | {"port": 0}]).replace('"port": 0', '"port": ' + "9" * 5000)
    (line,) = mistakes(raw(hosts=inside))
    assert line.startswith("monitoring:hosts[0].port")


def test_values_at_the_limits_of_these_checks_are_accepted() -> None:
    for name in ("eu-central-1.compute", "compute-1"):
        assert load(raw(domain=f"ec2-198-51-100-7.{name}.amazonaws.com")).domain
    gov = {"aws:region": "us-gov-west-1", "monitoring:amiId": "ami-12345678"}
    boundary = "arn:aws-us-gov:iam::123456789012:policy/a"
    assert load(raw(permissionsBoundary=boundary, cloudwatchRegion="us-gov-east-1") | gov).permissions_boundary
    for folder in ("/run/postgresql", "/" + "x" * 91):
        assert load(raw(hosts=[HOST | {"inputs": {"postgresql": {"host": folder}}}])).hosts
    assert load(raw(alertThresholds={"backupAge": "2h"}, backups={"enabled": False})).alert_thresholds
    kms = "arn:aws:kms:eu-central-1:123456789012:"
    for key in (f"{kms}key/mrk-{'0' * 32}", f"{kms}alias/a/b_c-d", f"alias/{'a' * 250}"):
        assert load(raw(kmsKey=key)).kms_key == key
    assert load(raw(retention="1h")).retention
    # The limits themselves.
    assert load(raw(alertThresholds={"backupAge": "25h"})).alert_thresholds
    assert load(raw(alertThresholds={"silentAfter": "30m", "forgetAfter": "1h"})).alert_thresholds
    assert load(raw(alertThresholds={"silentAfter": "20m", "interval": "20m", "forgetAfter": "1h"})).alert_thresholds
    assert load(raw(collectionInterval="20m", retention="1h")).collection_interval
    assert load(raw(alertThresholds={"silentAfter": "1h"}, retention="1h")).alert_thresholds
    assert load(raw(alertThresholds={"forgetAfter": "2d"}, retention="2d")).alert_thresholds
    assert load(raw(operatorCidrs=["0.0.0.0/1", "128.0.0.0/1"])).operator_cidrs
    assert load(raw(sshCidrs=["11.0.0.0/8", "10.0.0.0/8"], sshKeyName="me")).ssh_cidrs
    assert load(raw(restoreFrom="s3://bbb/a..b/latest")).restore_from
    soon = datetime.now(UTC) + timedelta(hours=23)
    assert load(raw(restoreFrom=f"{soon:%Y-%m-%dT%H-%M-%SZ}")).restore_from
    assert load(raw(hostsByTag={"aws:autoscaling:groupName": "shop"})).hosts_by_tag
    days = [{"name": "a", "weekdays": ["monday:friday"]}, {"name": "b", "weekdays": ["saturday", "sunday"]}]
    for kind, values in (("location", ("UTC", "Europe/Berlin")), ("severity", ("warning", "critical"))):
        timings = [day | {kind: value} for day, value in zip(days, values, strict=True)]
        assert load(raw(contactPoints={"slack": SLACK}, muteTimings=timings), MARKED).mute_timings
    sorting = OAUTH | {"roleAttributePath": "sort_by(groups, &name)[0].role"}
    assert load(raw(domain="m.example.com", oauth=sorting), MARKED).oauth
    assert load(raw(hosts=[HOST | {"inputs": {"ping": {"targets": ["fe80::1%eth0", "127.0.0.1"]}}}])).hosts
    own = {"certificate": CERTIFICATE, "privateKey": KEY}
    assert load(raw(domain="m.example.com", certificate=own), MARKED).certificate
