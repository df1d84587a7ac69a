"""The configuration as a whole: what is accepted, and that all mistakes are reported together, each with its remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, SettingsError, load
from settings.model import GrafanaRepository
from settings.values import seconds
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.configuration import REQUIRED, mistakes, raw

DATABASE = {"kind": "timestream"}
SUBNET = "subnet-0123456789abcdef0"
KMS = "arn:aws:kms:eu-central-1:123456789012:"


def test_the_required_settings_are_sufficient() -> None:
    settings = load(REQUIRED)
    assert settings.region == "eu-central-1"
    assert [str(cidr) for cidr in settings.operator_cidrs] == ["203.0.113.0/24"]
    assert settings.ssh_cidrs == ()
    assert settings.instance_type == "t4g.small"


@pytest.mark.parametrize("version", ["13.1.2", "13.1.10", "13.2.1", "13.2.3"])
def test_grafana_versions_whose_package_works_are_accepted(version: str) -> None:
    assert load(raw(grafanaVersion=version)).grafana_version == version


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(REQUIRED).domain = "example.com"


def test_the_whole_internet_is_allowed_if_it_is_written() -> None:
    assert str(load(raw(operatorCidrs=["0.0.0.0/0"])).operator_cidrs[0]) == "0.0.0.0/0"


def test_other_namespaces_are_ignored() -> None:
    assert load(REQUIRED | {"pulumi:tags": "{}", "aws:profile": "me"}) == load(REQUIRED)


def test_a_repository_s_other_keys_keep_their_defaults() -> None:
    repository = load(raw(grafanaRepository={"url": "https://mirror.example.com/grafana/"})).grafana_repository
    assert repository.url == "https://mirror.example.com/grafana"
    assert repository.key_fingerprint == GrafanaRepository().key_fingerprint


def test_a_certificate_s_key_is_kept_secret() -> None:
    settings = load(
        raw(domain="monitoring.example.com", certificate={"certificate": CERTIFICATE, "privateKey": KEY}),
        ["monitoring:certificate"],
    )
    assert settings.certificate is not None
    assert settings.certificate.private_key.get_secret_value() == KEY
    assert KEY.splitlines()[1] not in repr(settings)


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
    ("influxdb", "https://influx.example.com", "is not an object", "`name: value`"),
    ("instancetype", "t3.small", "is not a setting", "did you mean instanceType?"),
    ("operator_cidrs", [], "is not a setting", "did you mean operatorCidrs?"),
    ("cidrs", [], "is not a setting", "did you mean sshCidrs?"),
    ("grafanaPassword", "x", "is not a setting", "did you mean grafana"),
    ("zzz", "x", "is not a setting", "the known keys are"),
]


@pytest.mark.parametrize(("key", "value", "wrong", "instead"), WRONG, ids=lambda v: str(v)[:30])
def test_a_wrong_value_is_reported_with_its_remedy(key: str, value: Any, wrong: str, instead: str) -> None:
    (line,) = mistakes(raw(**{key: value}))
    assert line.startswith(f"monitoring:{key}")
    assert wrong in line
    assert instead in line


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
    ("influxdb", {"url": "https://a.b", "username": "u", "password": "it's"}, "password", "a single quote"),
    ("influxdb", {"url": "https://a.b", "username": "u v", "password": "p"}, "username", "not allowed here"),
]


@pytest.mark.parametrize(("key", "value", "inside", "wrong"), WRONG_INSIDE, ids=lambda v: str(v)[:40])
def test_a_wrong_value_inside_an_object_is_reported(key: str, value: dict[str, Any], inside: str, wrong: str) -> None:
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
        ({"sshKeyName": "me"}, "sshCidrs", "is missing, so nobody could log in with sshKeyName"),
        ({"sshCidrs": ["10.0.0.0/8"]}, "sshKeyName", "is missing, so nobody in sshCidrs could log in"),
        ({"vpcId": "vpc-0123456789abcdef0"}, "subnetId", "is required with vpcId; name a public subnet"),
        ({"certificate": {"certificate": CERTIFICATE, "privateKey": KEY}}, "domain", "is required with"),
        (
            {
                "certificate": {"certificate": CERTIFICATE, "privateKey": KEY},
                "domain": "m.example.com",
                "certificateGeneration": "2",
            },
            "certificateGeneration",
            "does not apply with a certificate of your own",
        ),
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
def test_contradictory_settings_are_refused(changes: dict[str, Any], key: str, wrong: str) -> None:
    reported = mistakes(raw(**changes), ("monitoring:certificate",))
    assert len(reported) == 1
    assert reported[0].startswith((f"monitoring:{key}:", f"monitoring:{key} = "))
    assert wrong in reported[0]


def test_all_mistakes_are_reported_together() -> None:
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


@pytest.mark.parametrize(("key", "secret"), [("certificate", "privateKey"), ("influxdb", "password")])
def test_a_secret_in_plain_text_is_refused_and_never_shown(key: str, secret: str) -> None:
    reported = mistakes(raw(**{key: {secret: "MIIB-a-secret", "unknown": "MIIB-a-secret"}}))
    assert any(f"pulumi config set --secret --path 'monitoring:{key}.{secret}'" in line for line in reported)
    assert all("a-secret" not in line for line in reported)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_wrong_secret_is_never_shown(secret: str) -> None:
    value = f"hidden {secret} hidden"  # no setting accepts the spaces
    for configuration in (
        raw(domain=value),
        raw(certificate={"certificate": value, "privateKey": value}),
        raw(influxdb=value),
        raw(unknown=value),
    ):
        marked = [key for key in configuration if key not in REQUIRED]
        reported = "\n".join(mistakes(configuration, tuple(marked)))
        assert value not in reported


@given(st.dictionaries(st.sampled_from(sorted(str(f.alias) for f in Settings.model_fields.values())), st.text()))
def test_random_text_never_ends_in_another_error(values: dict[str, str]) -> None:
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
def test_random_values_inside_objects_never_end_in_another_error(value: Any) -> None:
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
