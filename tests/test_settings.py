"""The configuration: what is accepted, and that every mistake is reported in one go, with its remedy."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, SettingsError, load
from settings.aws_names import known_regions
from settings.model import GrafanaRepository
from settings.values import seconds
from tests.support.certificates import CERTIFICATE, KEY

RIGHT = {
    "aws:region": "eu-central-1",
    "monitoring:operatorCidrs": '["203.0.113.0/24"]',
    "monitoring:agentCidrs": '["198.51.100.0/24"]',
}
DATABASE = {"kind": "timestream"}
SUBNET = "subnet-0123456789abcdef0"
KMS = "arn:aws:kms:eu-central-1:123456789012:"
PROJECT = Path(__file__).parent.parent


def raw(**settings: Any) -> dict[str, str]:
    """A valid configuration with some settings changed, as Pulumi passes it: everything is text."""
    changed = {
        f"monitoring:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()
    }
    return RIGHT | changed


def mistakes(configuration: dict[str, str], secret_keys: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(configuration, secret_keys)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_required_settings_are_enough() -> None:
    settings = load(RIGHT)
    assert settings.region == "eu-central-1"
    assert [str(cidr) for cidr in settings.operator_cidrs] == ["203.0.113.0/24"]
    assert settings.ssh_cidrs == ()
    assert settings.instance_type == "t4g.small"


@pytest.mark.parametrize("version", ["13.1.2", "13.1.10", "13.2.1", "13.2.3"])
def test_versions_of_grafana_whose_package_works_are_taken(version: str) -> None:
    assert load(raw(grafanaVersion=version)).grafana_version == version


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(RIGHT).domain = "example.com"


def test_the_whole_internet_is_allowed_when_the_user_wrote_it() -> None:
    assert str(load(raw(operatorCidrs=["0.0.0.0/0"])).operator_cidrs[0]) == "0.0.0.0/0"


def test_other_namespaces_are_none_of_our_business() -> None:
    assert load(RIGHT | {"pulumi:tags": "{}", "aws:profile": "me"}) == load(RIGHT)


def test_a_part_of_a_repository_keeps_the_other_defaults() -> None:
    repository = load(raw(grafanaRepository={"url": "https://mirror.example.com/grafana/"})).grafana_repository
    assert repository.url == "https://mirror.example.com/grafana"
    assert repository.key_fingerprint == GrafanaRepository().key_fingerprint


def test_a_certificate_of_the_user_s_own() -> None:
    settings = load(
        raw(domain="monitoring.example.com", certificate={"certificate": CERTIFICATE, "privateKey": KEY}),
        ["monitoring:certificate"],
    )
    assert settings.certificate is not None
    assert settings.certificate.private_key.get_secret_value() == KEY
    assert KEY.splitlines()[1] not in repr(settings)


def test_another_influxdb() -> None:
    external = {"url": "https://influx.example.com", "username": "us", "password": "a secret"}
    settings = load(raw(influxdb=external, agentCidrs=[]), ["monitoring:influxdb"])
    assert settings.influxdb is not None
    assert settings.influxdb.database == "telegraf"
    assert "a secret" not in repr(settings)


def test_a_database_that_aws_runs() -> None:
    settings = load(raw(database={"kind": "timestream", "storage": "100", "multiAz": "true"}))
    assert settings.database is not None
    assert not settings.own_influxdb
    assert (settings.database.instance_type, settings.database.storage) == ("db.influx.medium", 100)
    assert (settings.database.multi_az, settings.database.public) == (True, False)


WRONG: list[tuple[str, Any, str, str]] = [
    # key, value as in the stack's file, what is wrong, what to write instead
    ("operatorCidrs", "10.0.0.0/8", "is a string, not a list", '["10.0.0.0/8"]'),
    ("operatorCidrs", [], "nobody could reach Grafana", "203.0.113.0/24"),
    (
        "operatorCidrs",
        ["10.0.0.1/8"],
        "bits set beyond its prefix",
        "10.0.0.0/8 for the range, or 10.0.0.1/32",
    ),
    ("operatorCidrs", ["10.0.0.1"], "has no prefix length", "10.0.0.1/32"),
    ("operatorCidrs", ["10.0.0.0/33"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", ["10.0.0.256/32"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", ["010.0.0.0/8"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", ["10.0.0.0/255.0.0.0"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", ["2001:db8::/32"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", ["any"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", [""], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", [" 10.0.0.0/8"], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", [10], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", [["10.0.0.0/8"]], "is not an IPv4 range", "203.0.113.0/24"),
    ("operatorCidrs", {"a": "10.0.0.0/8"}, "is not a list", "one `- value` per line"),
    ("operatorCidrs", ["10.0.0.0/8", "10.0.0.0/8"], "contains 10.0.0.0/8 twice", "once"),
    ("operatorCidrs", [f"10.0.{n}.0/24" for n in range(51)], "has 51 elements", "at most 50"),
    ("agentCidrs", [], "no agent could reach InfluxDB", "203.0.113.0/24"),
    ("agentCidrs", "no", "is a string, not a list", '["no"]'),
    ("sshCidrs", "true", "is not a list", "one `- value` per line"),
    ("instanceType", "", "is empty", "leave the key out"),
    ("instanceType", "t3", "is not an EC2 instance type", "t4g.small"),
    ("instanceType", "T3.SMALL", "is not an EC2 instance type", "t4g.small"),
    ("instanceType", "t9.colossal", "is not an EC2 instance type", "t4g.small"),
    ("instanceType", ["t3.small"], "is not a string", "not a list"),
    ("amiId", "debian-13", "is not an AMI ID", "ami-0123456789abcdef0"),
    ("amiId", "ami-XYZ", "is not an AMI ID", "ami-0123456789abcdef0"),
    ("rootVolumeSize", "abc", "is not an integer", "GiB"),
    ("rootVolumeSize", "7", "is out of range", "8 to 16384"),
    ("rootVolumeSize", "10.5", "is not an integer", "GiB"),
    ("rootVolumeSize", "10GB", "is not an integer", "GiB"),
    ("rootVolumeSize", "true", "is not an integer", "GiB"),
    ("dataVolumeSize", "0", "is out of range", "1 to 16384"),
    ("dataVolumeSize", "-1", "is out of range", "1 to 16384"),
    ("dataVolumeSize", "99999", "is out of range", "1 to 16384"),
    ("dataVolumeSize", "9" * 30, "is not an integer", "GiB"),
    ("vpcId", "default", "is not a VPC ID", "vpc-0123456789abcdef0"),
    ("subnetId", "eu-central-1a", "is not a subnet ID", "subnet-0123456789abcdef0"),
    ("domain", "https://monitoring.example.com", "is not a domain name", "bare name"),
    ("domain", "Monitoring.example.com", "is not a domain name", "lowercase"),
    ("domain", "localhost", "is not a domain name", "monitoring.example.com"),
    ("domain", "a..example.com", "is not a domain name", "bare name"),
    ("domain", "x" * 64 + ".example.com", "is not a domain name", "bare name"),
    ("domain", "a b.example.com", "is not a domain name", "bare name"),
    ("domain", "-a.example.com", "is not a domain name", "bare name"),
    ("permissionsBoundary", "boundary", "is not the ARN of a managed policy", "arn:aws:iam::123456789012:policy/"),
    ("permissionsBoundary", "arn:aws:iam::123456789012:role/a", "is not the ARN of a managed policy", "policy/"),
    ("permissionsBoundary", "arn:aws:iam::123456789012:policy/a*", "is not the ARN of a managed policy", "policy/"),
    ("cloudwatchAuth", "keys", "is not one of the allowed values", "key or role"),
    ("cloudwatchAuth", "", "is not one of the allowed values", "key or role"),
    ("cloudwatchRegion", "eu-centrl-1", "is not an AWS region", "did you mean eu-central-1?"),
    ("accessKeyGeneration", "0", "is out of range", "1 to"),
    ("accessKeyGeneration", "zero", "is not an integer", "generation"),
    ("retention", "30", "is not a duration", "30d"),
    ("retention", "a while", "is not a duration", "30d"),
    ("retention", "30 d", "is not a duration", "30d"),
    ("retention", "30m", "is not a duration", "30d"),
    ("retention", "0d", "is out of range", "1h to INF"),
    ("retention", "inf", "is not a duration", "30d"),
    ("retention", "1d; DROP DATABASE telegraf", "is not a duration", "30d"),
    ("rollupRetention", "a year", "is not a duration", "360d"),
    ("rollupRetention", "365", "is not a duration", "360d"),
    ("rollupRetention", "1d; DROP DATABASE telegraf", "is not a duration", "360d"),
    ("rollupRetention", "30m", "is not a duration", "360d"),
    ("rollupRetention", "6000w", "is out of range", "1h to INF"),
    ("collectionInterval", "10", "is not a duration", "10s"),
    ("collectionInterval", "2h", "is out of range", "1s to 1h"),
    ("collectionInterval", "0s", "is out of range", "1s to 1h"),
    ("collectionInterval", "INF", "is not a duration", "10s"),
    ("topProcesses", "21", "is out of range", "0 to 20"),
    ("topProcesses", "all", "is not an integer", "processes named per host"),
    ("bootTimeout", "5s", "is out of range", "1m to 2h"),
    ("grafanaVersion", "", "is empty", "leave the key out"),
    ("grafanaVersion", "latest", "is not a full Debian package version", "exact version"),
    ("grafanaVersion", "13.1.0", "cannot be installed on a used data volume", "write 13.1.2 or later"),
    ("grafanaVersion", "13.1.1+security-01", "cannot be installed on a used data volume", "write 13.1.2 or later"),
    ("grafanaVersion", "13.2.0", "has no InfluxDB datasource", "write 13.2.1 or later"),
    ("telegrafVersion", "1.39.3 || reboot", "is not a full Debian package version", "exact version"),
    ("influxdbVersion", "v1.12.4", "is not a full Debian package version", "exact version"),
    ("route53Zone", "example.com.", "is not a zone of Route 53", "its ID or its name, such as example.com"),
    ("route53Zone", "z0123", "is not a zone of Route 53", "its ID or its name, such as example.com"),
    ("kmsKey", "1234abcd-12ab-34cd-56ef-1234567890ab", "is not a KMS key of yours", "such as alias/monitoring"),
    ("kmsKey", "alias/aws/ebs", "is not a KMS key of yours", "such as alias/monitoring"),
    ("kmsKey", f"{KMS}alias/aws/ssm", "is not a KMS key of yours", "such as alias/monitoring"),
    ("kmsKey", f"{KMS}key/1234ABCD", "is not a KMS key of yours", "arn:aws:kms:REGION:ACCOUNT:key/ID"),
    ("kmsKey", f"alias/{'a' * 251}", "is not a KMS key of yours", "such as alias/monitoring"),
    ("publicAddress", "no", "is not true or false", "write false"),
    ("protect", "no", "is not true or false", "write false"),
    ("protect", "yes", "is not true or false", "write true"),
    ("protect", "True", "is not true or false", "write true or false"),
    ("tags", "team", "is not an object", "`name: value`"),
    ("tags", ["team"], "is not an object", "`name: value`"),
    ("tags", {"cost": 5}, "is not a string", 'in quotes: "5"'),
    ("tags", {"Name": "x"}, "is set by this program", "leave it out"),
    ("tags", {"aws:x": "y"}, "starts with aws:", "another name"),
    ("tags", {"x" * 129: "y"}, "is too long", "128"),
    ("tags", {f"t{n}": "x" for n in range(41)}, "has 41 tags", "at most 40"),
    ("grafanaRepository", "https://apt.grafana.com", "is not an object", "`name: value`"),
    ("sshKeyName", "me", "nobody could log in with sshKeyName", "203.0.113.0/24"),
    ("sshCidrs", ["10.0.0.0/8"], "nobody in sshCidrs could log in", "key pair"),
    ("vpcId", "vpc-0123456789abcdef0", "is required with vpcId", "public subnet"),
    ("influxdb", "https://influx.example.com", "is not an object", "`name: value`"),
    ("instancetype", "t3.small", "is not a setting", "did you mean instanceType?"),
    ("operator_cidrs", [], "is not a setting", "did you mean operatorCidrs?"),
    ("cidrs", [], "is not a setting", "did you mean sshCidrs?"),
    ("grafanaPassword", "x", "is not a setting", "did you mean grafana"),
    ("zzz", "x", "is not a setting", "the known keys are"),
]


@pytest.mark.parametrize(("key", "value", "wrong", "instead"), WRONG, ids=lambda v: str(v)[:30])
def test_a_wrong_value_is_named_with_its_remedy(key: str, value: Any, wrong: str, instead: str) -> None:
    reported = mistakes(raw(**{key: value}))
    assert len(reported) == 1, reported
    assert wrong in reported[0]
    assert instead in reported[0]
    assert reported[0].startswith("monitoring:")


WRONG_INSIDE: list[tuple[str, dict[str, Any], str, str]] = [
    ("grafanaRepository", {"url": "apt.grafana.com"}, "url", "is not a URL"),
    ("grafanaRepository", {"url": "https://me:word@apt.grafana.com"}, "url", "contains credentials"),
    ("grafanaRepository", {"url": "https://a.b/$(reboot)"}, "url", "is not a URL"),
    ("grafanaRepository", {"keyFingerprint": "27104585 45"}, "keyFingerprint", "full fingerprint"),
    ("grafanaRepository", {"suite": "stable main"}, "suite", "is not valid in an apt source"),
    ("influxdataRepository", {"keyURL": "https://a.b"}, "keyURL", "did you mean keyUrl?"),
    ("certificate", {"certificate": CERTIFICATE}, "privateKey", "is missing"),
    ("certificate", {"privateKey": KEY}, "certificate", "is missing"),
    ("certificate", {"certificate": "server.pem", "privateKey": KEY}, "certificate", "is not PEM text"),
    ("certificate", {"certificate": CERTIFICATE, "privateKey": CERTIFICATE}, "privateKey", "is not PEM text"),
    ("database", {"storage": 20}, "kind", "is missing"),
    ("database", {"kind": "influxdb"}, "kind", "write timestream"),
    (
        "database",
        {"kind": "timestream", "instanceType": "t4g.small"},
        "instanceType",
        "is not an instance type of Timestream",
    ),
    ("database", {"kind": "timestream", "storage": 19}, "storage", "write 20 to 15360 (GiB)"),
    ("database", {"kind": "timestream", "storage": 15361}, "storage", "write 20 to 15360 (GiB)"),
    ("database", {"kind": "timestream", "multiAz": "yes"}, "multiAz", "is not true or false; write true"),
    ("database", {"kind": "timestream", "multiAZ": True}, "multiAZ", "did you mean multiAz?"),
    ("database", {"kind": "timestream", "standbySubnetId": "vpc-0123abcd"}, "standbySubnetId", "is not a subnet ID"),
    ("influxdb", {"url": "http://a.b", "username": "u", "password": "p"}, "url", "is not encrypted"),
    ("influxdb", {"url": "https://a.b", "username": "u"}, "password", "is missing"),
    ("influxdb", {"url": "https://a.b", "username": "u", "password": "it's"}, "password", "quote"),
    ("influxdb", {"url": "https://a.b", "username": "u v", "password": "p"}, "username", "not allowed"),
]


@pytest.mark.parametrize(("key", "value", "inside", "wrong"), WRONG_INSIDE, ids=lambda v: str(v)[:40])
def test_a_wrong_value_inside_an_object_is_named(key: str, value: dict[str, Any], inside: str, wrong: str) -> None:
    reported = mistakes(raw(domain="m.example.com", agentCidrs=["10.0.0.0/8"], **{key: value}), (f"monitoring:{key}",))
    assert any(line.startswith(f"monitoring:{key}.{inside}") and wrong in line for line in reported), reported


@pytest.mark.parametrize(
    ("changes", "key", "wrong"),
    [
        (
            {"cloudwatchAuth": "role", "accessKeyGeneration": "2"},
            "accessKeyGeneration",
            "cloudwatchAuth: role",
        ),
        ({"certificate": {"certificate": CERTIFICATE, "privateKey": KEY}}, "domain", "is required with"),
        ({"publicAddress": False}, "subnetId", "is required with publicAddress: false"),
        (
            {"kmsKey": KMS.replace("eu-central-1", "eu-west-1") + "alias/a"},
            "kmsKey",
            "is a key of eu-west-1, and the stack is in eu-central-1; write a key of that region",
        ),
        ({"route53Zone": "example.com"}, "domain", "is required with route53Zone"),
        (
            {"route53Zone": "example.com", "domain": "m.badexample.com"},
            "route53Zone",
            "does not contain domain, m.badexample.com",
        ),
        (
            {"publicAddress": False, "subnetId": SUBNET, "database": DATABASE | {"public": True}},
            "database",
            "is public, but the server's subnet is private; remove database.public",
        ),
        ({"database": DATABASE, "rollupRetention": "90d"}, "rollupRetention", "does not apply with database"),
        (
            {"database": DATABASE | {"standbySubnetId": SUBNET}},
            "database",
            "applies with database.multiAz and subnetId",
        ),
        ({"database": DATABASE | {"multiAz": True}, "subnetId": SUBNET}, "database", "without standbySubnetId"),
        (
            {"database": DATABASE | {"multiAz": True, "standbySubnetId": SUBNET}, "subnetId": SUBNET},
            "database",
            "has subnetId as its standbySubnetId",
        ),
    ],
)
def test_settings_that_cannot_go_together(changes: dict[str, Any], key: str, wrong: str) -> None:
    reported = mistakes(raw(**changes), ("monitoring:certificate",))
    assert len(reported) == 1
    assert reported[0].startswith((f"monitoring:{key}:", f"monitoring:{key} = "))
    assert wrong in reported[0]


def test_a_database_of_aws_s_and_another_influxdb_exclude_each_other() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    configuration = raw(influxdb=external, agentCidrs=[], database=DATABASE)
    (reported,) = mistakes(configuration, ("monitoring:influxdb",))
    assert reported.startswith("monitoring:database")
    assert "both replace the server's own InfluxDB; leave one out" in reported


def test_an_own_influxdb_s_settings_have_no_meaning_with_another() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    reported = mistakes(raw(influxdb=external, retention="7d", rollupRetention="90d"), ("monitoring:influxdb",))
    assert [line.split()[0] for line in reported] == [
        *("monitoring:agentCidrs", "monitoring:retention", "monitoring:rollupRetention")
    ]


@pytest.mark.parametrize(
    ("changes", "runs", "shows"),
    [
        ({}, True, True),
        ({"influxdb": {"own": "shown"}}, True, True),
        ({"influxdb": {"own": "kept"}}, True, False),
        ({"influxdb": {}, "agentCidrs": []}, False, False),
        ({"database": DATABASE | {"own": "shown"}, "rollupRetention": "90d"}, True, True),
        ({"database": DATABASE | {"own": "kept"}}, True, False),
        ({"database": DATABASE}, False, False),
    ],
)
def test_while_a_stack_moves_the_server_s_own_influxdb_runs_with_its_settings(
    changes: dict[str, Any], runs: bool, shows: bool
) -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p"}
    given = {**changes, "influxdb": external | changes["influxdb"]} if "influxdb" in changes else changes
    settings = load(raw(**given), ("monitoring:influxdb",))
    assert (settings.own_influxdb, settings.shows_own, settings.moves) == (runs, shows, runs and bool(changes))


def test_a_stack_may_move_with_instances_chosen_by_tag() -> None:
    external, tag = {"url": "https://a.b", "username": "u", "password": "p", "own": "shown"}, {"Monitoring": "on"}
    assert load(raw(influxdb=external, hostsByTag=tag), ("monitoring:influxdb",)).moves
    assert load(raw(database=DATABASE | {"own": "kept"}, hostsByTag=tag)).moves


def test_while_a_stack_moves_agents_must_reach_the_server() -> None:
    external = {"url": "https://a.b", "username": "u", "password": "p", "own": "shown"}
    (reported,) = mistakes(raw(influxdb=external, agentCidrs=[]), ("monitoring:influxdb",))
    assert reported.startswith("monitoring:agentCidrs")
    assert load(raw(influxdb=external, retention="7d"), ("monitoring:influxdb",)).retention == "7d"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, "8640h"),
        ({"retention": "7d"}, "2016h"),
        ({"retention": "1h"}, "12h"),
        ({"retention": "INF"}, "INF"),
        ({"retention": "400w"}, "806400h"),
        ({"retention": "500w"}, "INF"),
        ({"rollupRetention": "90d"}, "90d"),
        ({"rollupRetention": "INF"}, "INF"),
        ({"retention": "90d", "rollupRetention": "90d"}, "90d"),
    ],
)
def test_five_minute_steps_are_kept_twelve_times_as_long_unless_a_setting_says_otherwise(
    changes: dict[str, str], kept: str
) -> None:
    assert load(raw(**changes)).kept_rolled_up == kept


@pytest.mark.parametrize("retention", ["91d", "INF"])
def test_five_minute_steps_are_not_kept_shorter_than_what_they_are_made_of(retention: str) -> None:
    (reported,) = mistakes(raw(retention=retention, rollupRetention="90d"))
    assert reported.startswith("monitoring:rollupRetention")
    assert f"is shorter than retention ({retention})" in reported
    (reported,) = mistakes(raw(retention="a while", rollupRetention="1h"))
    assert reported.startswith("monitoring:retention")


@pytest.mark.parametrize("region", ["", "eu-middle-1", "Frankfurt", "EU-CENTRAL-1"])
def test_an_unknown_region(region: str) -> None:
    reported = mistakes(RIGHT | {"aws:region": region})
    assert reported[0].startswith("aws:region")


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("eusc-de-east-1", "aws-eusc"), ("us-iso-east-1", "aws-iso")]
)
def test_a_region_whose_services_have_other_names(region: str, partition: str) -> None:
    (reported,) = mistakes(RIGHT | {"aws:region": region})
    assert reported.startswith(f'aws:region = "{region}": is in the AWS partition {partition}, ')


def test_the_regions_are_those_of_botocore() -> None:
    theirs = botocore.session.Session()
    assert known_regions() == {
        region: partition
        for partition in theirs.get_available_partitions()
        for region in theirs.get_available_regions("ec2", partition_name=partition)
    }
    assert all(theirs.get_partition_for_region(name) == partition for name, partition in known_regions().items())


def test_a_region_where_debian_s_account_is_not_known_needs_an_image() -> None:
    (reported,) = mistakes(RIGHT | {"aws:region": "us-gov-west-1"})
    assert reported.startswith("monitoring:amiId: is missing: ")
    assert load(RIGHT | {"aws:region": "us-gov-west-1", "monitoring:amiId": "ami-0123456789abcdef0"}).ami_id


def test_a_missing_region() -> None:
    reported = mistakes({key: value for key, value in RIGHT.items() if key != "aws:region"})
    assert reported == ["aws:region: is missing; write the region, such as eu-central-1"]


def test_all_mistakes_are_reported_in_one_go() -> None:
    reported = mistakes(
        {
            "aws:region": "nowhere",
            "monitoring:operatorCidrs": '["10.0.0.1/8"]',
            "monitoring:protect": "no",
            "monitoring:rootVolumeSize": "small",
            "monitoring:tgas": "{}",
            "monitoring:grafanaRepository": '{"url": "x", "keyUrl": "y"}',
        }
    )
    keys = [line.replace(":", " ", 1).split()[1] for line in reported]
    assert keys == [
        *("region", "operatorCidrs", "agentCidrs:", "rootVolumeSize"),
        *("grafanaRepository.keyUrl", "grafanaRepository.url", "protect", "tgas:"),
    ]


def test_the_error_has_one_line_per_mistake() -> None:
    with pytest.raises(SettingsError) as caught:
        load(raw(protect="no", domain="x\ny"), file="Pulumi.dev.yaml")
    first, *rest = str(caught.value).splitlines()
    assert first == "2 mistakes in the configuration (Pulumi.dev.yaml); nothing was changed:"
    assert len(rest) == 2


@pytest.mark.parametrize("key", ["certificate", "influxdb"])
def test_secrets_in_plain_text_are_refused_and_never_shown(key: str) -> None:
    inside = {"privateKey": "MIIB-a-secret"} if key == "certificate" else {"password": "MIIB-a-secret"}
    reported = mistakes(raw(**{key: inside | {"unknown": "MIIB-a-secret"}}))
    assert any("pulumi config set --secret --path" in line for line in reported)
    assert all("a-secret" not in line for line in reported)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_secret_that_is_wrong_is_never_shown(secret: str) -> None:
    value = f"hidden {secret} hidden"  # the spaces make it wrong for every key
    for configuration in (
        raw(domain=value),
        raw(certificate={"certificate": value, "privateKey": value}),
        raw(influxdb=value),
        raw(unknown=value),
    ):
        marked = [key for key in configuration if key not in RIGHT]
        reported = "\n".join(mistakes(configuration, tuple(marked)))
        assert value not in reported


@given(st.dictionaries(st.sampled_from(sorted(str(f.alias) for f in Settings.model_fields.values())), st.text()))
def test_nonsense_never_ends_in_another_error(values: dict[str, str]) -> None:
    try:
        load({key if ":" in key else f"monitoring:{key}": value for key, value in values.items()})
    except SettingsError as error:
        assert error.mistakes


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_nonsense_inside_objects_never_ends_in_another_error(value: Any) -> None:
    for key in ("operatorCidrs", "tags", "certificate", "grafanaRepository", "influxdb", "domain"):
        try:
            load(raw(**{key: json.dumps(value)}))
        except SettingsError as error:
            assert all("\n" not in str(mistake) for mistake in error.mistakes)


@pytest.mark.parametrize(
    ("text", "length"), [("30d", 2592000), ("1h30m", 5400), ("2w", 1209600), ("INF", float("inf"))]
)
def test_durations(text: str, length: float) -> None:
    assert seconds(text) == length


def test_pulumi_yaml_describes_every_setting_with_the_program_s_own_default() -> None:
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    assert list(schema) == [key for key in fields if key != "aws:region"]
    for key, entry in schema.items():
        field = fields[key]
        default = field.get_default(call_default_factory=True)
        if hasattr(default, "model_dump"):
            default = default.model_dump(by_alias=True)
        unset = entry["default"] in ("", {}) and default is None
        assert unset or entry["default"] == (list(default) if isinstance(default, tuple) else default), key
        assert len(entry["description"]) > 20, key


def ranges() -> Iterator[tuple[str, str, str]]:
    """What the pages say about a setting's limits: its key, the least and the most."""
    numbers = r"([0-9.]+[smhd]?) to ([0-9.]+[smhd]?)\b"
    for key, entry in yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"].items():
        if (found := re.search(numbers, entry["description"])) and not key.endswith("Version"):
            yield key, found[1], found[2]
    for page, setting in (("alerts.md", "alertThresholds"), ("backups.md", "backups")):
        for row in re.findall(r"^\| `.* \|$", (PROJECT / "docs" / page).read_text(), re.MULTILINE):
            if found := re.search(numbers, row):
                for key in re.findall(r"`(\w+)`", row.split("|")[1]):
                    yield f"{setting}.{key}", found[1], found[2]


def taken(key: str, value: str) -> bool:
    """Whether a setting, or one inside another, takes a value."""
    name, _, inside = key.partition(".")
    without_backups = {"backups": {"enabled": False}} if inside == "backupAge" else {}
    try:
        load(raw(**{name: {inside: value} if inside else value}, **without_backups))
    except SettingsError as error:
        assert all(mistake.key.startswith(f"monitoring:{name}") for mistake in error.mistakes)
        return False
    return True


@pytest.mark.parametrize(("key", "least", "most"), list(ranges()))
def test_the_limits_are_those_that_the_pages_name(key: str, least: str, most: str) -> None:
    def moved(limit: str, by: int) -> str:
        number = re.match("[0-9.]+", limit)
        assert number
        return f"{float(number[0]) + by:g}{limit[number.end() :]}"

    assert [taken(key, value) for value in (least, most)] == [True, True]
    assert [taken(key, value) for value in (moved(least, -1), moved(most, 1))] == [False, False]


def test_enough_of_the_limits_are_on_a_page() -> None:
    keys = {key for key, *_ in ranges()}
    assert {"rootVolumeSize", "collectionInterval", "bootTimeout", "alertThresholds.cpu", "backups.keep"} <= keys


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox"])
def test_the_stacks_that_come_with_the_project_are_right(stack: str) -> None:
    config = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    if stack == "sandbox":  # the allowed networks are known only on the machine (sandbox/stack.py)
        config |= {"monitoring:operatorCidrs": ["198.18.0.0/24"], "monitoring:agentCidrs": ["198.18.1.0/24"]}
    settings = load({k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()})
    assert settings.protect == (stack == "prod")
    assert all(cidr.prefixlen > 0 for cidr in (*settings.operator_cidrs, *settings.agent_cidrs))


def test_pulumi_s_own_defaults_mean_what_leaving_out_means() -> None:
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    defaults = {
        f"monitoring:{key}": entry["default"] if isinstance(entry["default"], str) else json.dumps(entry["default"])
        for key, entry in schema.items()
    }
    assert load(defaults | RIGHT) == load(RIGHT)


# --- Hosts

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKCkRB9XvVnLqxUS2s1cQWbBDBVb8JwVKPXyyNRrd9gd"
HOST = {"name": "web-1", "address": "198.51.100.7", "user": "admin", "hostKey": HOST_KEY}
HOSTS_SECRET = ("monitoring:hosts",)


def test_a_host_needs_four_values_and_the_rest_has_defaults() -> None:
    (host,) = load(raw(hosts=[HOST])).hosts
    assert (host.name, host.port, host.private_key, dict(host.tags)) == ("web-1", 22, None, {})
    assert host.unreachable is False
    assert host.inputs.secrets == {}
    assert host.inputs.service_options == ()


def test_an_input_is_on_when_it_is_named() -> None:
    inputs = {"nginx": {}, "ping": {"targets": ["198.51.100.1", "2001:db8::1"]}, "docker": {}}
    (host,) = load(raw(hosts=[HOST | {"inputs": inputs}])).hosts
    assert host.inputs.nginx is not None
    assert host.inputs.nginx.urls == ("http://localhost/nginx_status",)
    assert host.inputs.redis is None
    assert host.inputs.service_options == (
        *("SupplementaryGroups=docker", "CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW"),
    )


def test_secrets_of_a_host_stay_secret() -> None:
    (host,) = load(
        raw(hosts=[HOST | {"privateKey": KEY, "inputs": {"redis": {"password": "a secret"}}}]), HOSTS_SECRET
    ).hosts
    assert host.private_key is not None
    assert host.private_key.get_secret_value() == KEY
    assert host.inputs.secrets == {"REDIS_PASSWORD": "a secret"}
    assert "a secret" not in repr(host)
    assert KEY.splitlines()[1] not in repr(host)


WRONG_HOSTS: list[tuple[dict[str, Any], str, str, str]] = [
    # what is changed, where, what is wrong, what to write instead
    ({"name": "web 1"}, "name", "is not a valid host name", "web-1"),
    ({"name": '"; rm -rf /'}, "name", "is not a valid host name", "web-1"),
    ({"name": "a\nhostname = 'b'"}, "name", "is not a valid host name", "web-1"),
    ({"name": "${INFLUX_PASSWORD}"}, "name", "is not a valid host name", "web-1"),
    ({"name": "monitoring-prod"}, "name", "is reserved for monitoring servers", "does not start with"),
    ({"name": "x" * 64}, "name", "is not a valid host name", "63"),
    ({"address": "admin@198.51.100.7"}, "address", "is not a host name or address", "198.51.100.7"),
    ({"address": "198.51.100.7:22"}, "address", "is not a host name or address", "alone"),
    ({"address": "198.51.100.300"}, "address", "is not a host name or address", "alone"),
    ({"address": "-oProxyCommand=reboot"}, "address", "is not a host name or address", "alone"),
    ({"port": 0}, "port", "is out of range", "1 to 65535"),
    ({"port": "ssh"}, "port", "is not an integer", "write 1 to 65535 (the port)"),
    ({"user": "Admin"}, "user", "is not a valid user name", "sudo"),
    ({"hostKey": "AAAAC3NzaC1lZDI1NTE5"}, "hostKey", "is not an SSH host's public key", "ssh_host_ed25519_key.pub"),
    ({"hostKey": HOST_KEY[:-30]}, "hostKey", "is not", "ssh-ed25519 AAAA"),
    ({"hostKey": HOST_KEY.replace("ssh-ed25519", "ssh-rsa")}, "hostKey", "not of the type it names", "ssh-ed25519"),
    ({"hostKey": "SHA256:zM4kxWdv"}, "hostKey", "is not an SSH host's public key", "ssh-ed25519 AAAA"),
    ({"privateKey": "~/.ssh/id_ed25519"}, "privateKey", "is not PEM text", "paste the whole file"),
    ({"privatekey": KEY}, "privatekey", "is not a setting", "did you mean privateKey?"),
    ({"tags": {"host": "x"}}, "tags", "is used by Telegraf's inputs", "another name"),
    ({"tags": {"time": "x"}}, "tags", "is used by Telegraf's inputs", "another name"),
    ({"tags": {"a b": "x"}}, "tags", "is not a valid tag name", "letters, digits and underscores"),
    ({"tags": {"a=1]\n[[inputs.exec]]": "x"}}, "tags", "is not a valid tag name", "letters"),
    ({"tags": {"role": "a\nb"}}, "tags", "a tag cannot have", "one line"),
    ({"tags": {"role": "${INFLUX_PASSWORD}"}}, "tags", "a tag cannot have", "without $"),
    ({"tags": {"role": "a\\"}}, "tags", "a tag cannot have", "backslash"),
    ({"tags": {"role": 5}}, "tags", "is not a string", 'in quotes: "5"'),
    ({"tags": {f"t{n}": "x" for n in range(21)}}, "tags", "has 21 tags", "at most 20"),
    ({"tags": ["role"]}, "tags", "is not an object", "`name: value`"),
    ({"unreachable": "yes"}, "unreachable", "is not true or false", "write true"),
    ({"inputs": {"mysql": {}}}, "inputs.mysql", "is not a setting", "postgresql"),
    ({"inputs": {"nginx": {"url": "http://localhost"}}}, "inputs.nginx.url", "is not a setting", "urls?"),
    ({"inputs": {"nginx": {"urls": ["localhost"]}}}, "inputs.nginx.urls", "is not a URL", "full URL"),
    ({"inputs": {"nginx": {"urls": []}}}, "inputs.nginx.urls", "is empty", "at least one"),
    ({"inputs": {"ping": {}}}, "inputs.ping.targets", "is missing", "add it"),
    ({"inputs": {"ping": {"targets": ["a b"]}}}, "inputs.ping.targets", "is not a host name", "alone"),
    ({"inputs": {"redis": {"servers": ["localhost"]}}}, "inputs.redis.servers", "is not a Redis", "tcp://"),
    ({"inputs": {"docker": {"endpoint": "docker"}}}, "inputs.docker.endpoint", "is not the address", "docker.sock"),
    ({"inputs": {"systemdUnits": {"units": ["a b"]}}}, "inputs.systemdUnits.units", "is not the name", "nginx.service"),
    ({"inputs": {"postgresql": {"host": "a b"}}}, "inputs.postgresql.host", "is neither", "/run/postgresql"),
    (
        {"inputs": {"postgresql": {"password": "a b"}}},
        "inputs.postgresql.password",
        "has a space or a backslash",
        "without",
    ),
    (
        {"inputs": {"httpResponse": {"urls": ["https://a.b"], "status": 99}}},
        "inputs.httpResponse.status",
        "out of",
        "599",
    ),
    ({"inputs": "nginx"}, "inputs", "is not an object", "`name: value`"),
]


@pytest.mark.parametrize(("changes", "where", "wrong", "instead"), WRONG_HOSTS, ids=lambda v: str(v)[:40])
def test_a_wrong_value_of_a_host_is_named_with_its_remedy(
    changes: dict[str, Any], where: str, wrong: str, instead: str
) -> None:
    reported = mistakes(raw(hosts=[HOST, HOST | {"name": "web-2", "address": "198.51.100.8"} | changes]), HOSTS_SECRET)
    assert len(reported) == 1, reported
    assert reported[0].startswith(f"monitoring:hosts[1].{where}")
    assert wrong in reported[0]
    assert instead in reported[0]
    assert "\n" not in reported[0]


def test_all_mistakes_of_all_hosts_are_reported_at_once() -> None:
    reported = mistakes(
        raw(retention="x", hosts=[HOST, HOST | {"port": 2222}, {"name": "web-2", "port": "x"}, "web-3"]),
        HOSTS_SECRET,
    )
    places = [line.partition(" ")[0].rstrip(":") for line in reported]
    assert places == [
        "monitoring:retention",
        "monitoring:hosts[1].name",
        "monitoring:hosts[2].address",
        "monitoring:hosts[2].hostKey",
        "monitoring:hosts[2].port",
        "monitoring:hosts[2].user",
        "monitoring:hosts[3]",
    ]


def test_a_secret_of_a_host_in_plain_text_is_a_mistake_and_not_repeated() -> None:
    reported = mistakes(raw(hosts=[HOST | {"privateKey": KEY, "inputs": {"redis": {"password": "hush-hush"}}}]))
    assert len(reported) == 2, reported
    assert "pulumi config set --secret --path 'monitoring:hosts[0].inputs.redis.password'" in reported[0]
    assert "pulumi config set --secret --path 'monitoring:hosts[0].privateKey'" in reported[1]
    assert not [line for line in reported if "hush" in line or KEY.splitlines()[1] in line]


def test_a_private_key_in_the_wrong_place_is_not_repeated() -> None:
    reported = mistakes(raw(hosts=[HOST | {"hostKey": KEY}]), HOSTS_SECRET)
    assert KEY.splitlines()[1][:8] not in reported[0]


def test_a_private_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    reported = []
    for passphrase in ("", "a passphrase"):
        file = tmp_path / f"key{len(passphrase)}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file], check=True)
        configuration = raw(hosts=[HOST | {"privateKey": file.read_text()}])
        if passphrase:
            reported = mistakes(configuration, HOSTS_SECRET)
        else:
            load(configuration, HOSTS_SECRET)
    assert "encrypted with a passphrase" in reported[0]


def test_hosts_are_a_list() -> None:
    (reported,) = mistakes(raw(hosts={"web-1": HOST}))
    assert "is not a list" in reported
