"""What a security reviewer would ask about the program's resources."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pytest

from program.policies import read_cloudwatch
from settings import AlertThresholds
from settings.contradictions.alerts import RENEWED_DAYS
from tests.components.conftest import ADDRESS, Run, run_once, run_program
from tests.support.certificates import CERTIFICATE, KEY, certificate_text, ec_key, issue, signed

SECRETS = re.compile(r"password-of-|hidden-key-of-|secret-of-")
"""What the mocks give for everything secret."""
AUTOMATION = "pulumi-x1y2z3x1y2z3x1y2z3xy"
"""The user the mocks give to Pulumi."""


def statements(document: str) -> list[dict[str, Any]]:
    return list(json.loads(document)["Statement"])


def test_what_a_killed_update_left_behind_is_written_over(prod: Run) -> None:
    """Their names are fixed: without it, what Pulumi does not know about would block every `up`."""
    for kind in ("Parameter", "Dashboard"):
        assert prod.all(kind)
        assert all(each.inputs["overwrite"] is True for each in prod.all(kind)), kind


def test_no_two_resources_have_the_same_type_and_name(prod: Run) -> None:
    """The mocks accept both; the engine refuses the second."""
    made = [(resource.type, resource.name) for resource in prod.resources]
    assert {kind.rpartition(":")[2] for kind, _ in made} >= {
        *("Network", "CloudwatchUser", "Instance", "Volume", "Parameter", "Command"),
        *("DataSource", "Dashboard", "RuleGroup"),
    }
    assert sorted(set(made)) == sorted(made)


# --- Network


def test_only_the_ranges_that_were_written_get_in(prod: Run) -> None:
    rules = {
        (r.inputs["fromPort"], r.inputs["toPort"], r.inputs["ipProtocol"], r.inputs["cidrIpv4"])
        for r in prod.all("SecurityGroupIngressRule")
    }
    assert rules == {
        (3000, 3000, "tcp", "203.0.113.0/24"),
        (8086, 8086, "tcp", "203.0.113.0/24"),
        (8086, 8086, "tcp", "198.51.100.0/24"),
    }


def test_ssh_is_open_only_on_request() -> None:
    run = run_once({"sshCidrs": ["203.0.113.9/32"], "sshKeyName": "me"})
    ssh = [r.inputs["cidrIpv4"] for r in run.all("SecurityGroupIngressRule") if r.inputs["fromPort"] == 22]
    assert ssh == ["203.0.113.9/32"]
    assert run.one("Instance")["keyName"] == "me"


def test_the_group_has_no_rules_of_its_own(prod: Run) -> None:
    assert not {"ingress", "egress"} & set(prod.one("SecurityGroup"))


def test_what_leaves_the_server_is_web_and_names(prod: Run) -> None:
    rules = {
        (r.inputs["ipProtocol"], r.inputs["fromPort"], r.inputs["cidrIpv4"])
        for r in prod.all("SecurityGroupEgressRule")
    }
    assert rules == {
        ("tcp", 443, "0.0.0.0/0"),
        ("tcp", 80, "0.0.0.0/0"),
        ("udp", 53, "10.0.0.0/16"),
        ("tcp", 53, "10.0.0.0/16"),
    }


def test_the_first_default_subnet_is_taken(prod: Run) -> None:
    assert prod.one("Instance")["subnetId"] == "subnet-1"


def test_a_subnet_of_another_vpc_is_refused() -> None:
    changes = {"vpcId": "vpc-0123456789abcdef0", "subnetId": "subnet-0123456789abcdef0"}
    with pytest.raises(pulumi.RunError, match="is in vpc-1, not in"):
        run_program(changes)


def test_a_default_vpc_without_subnets_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="no default subnet"):
        run_program(answers={"getSubnets": {"ids": []}})


# --- CloudWatch


def test_the_policy_has_exactly_the_three_statements(prod: Run) -> None:
    assert prod.one("Policy")["policy"] == read_cloudwatch()
    metrics, instances, tags = statements(read_cloudwatch())
    assert {s["Effect"] for s in (metrics, instances, tags)} == {"Allow"}
    assert metrics["Action"] == [
        f"cloudwatch:{action}"
        for action in (
            *("DescribeAlarmsForMetric", "DescribeAlarmHistory", "DescribeAlarms"),
            *("ListMetrics", "GetMetricStatistics", "GetMetricData"),
        )
    ]
    assert instances["Action"] == ["ec2:DescribeTags", "ec2:DescribeInstances", "ec2:DescribeRegions"]
    assert tags["Action"] == "tag:GetResources"


def test_the_user_holds_the_policy_through_the_group(prod: Run) -> None:
    assert prod.one("GroupPolicyAttachment")["group"] == prod.one("UserGroupMembership")["groups"][0]
    assert not prod.all("UserPolicy")
    assert not prod.all("UserPolicyAttachment")


def test_another_generation_is_another_key(prod: Run) -> None:
    second = run_program({"accessKeyGeneration": 2})
    assert [r.name for r in prod.all("AccessKey")] == ["cloudwatch-1"]
    assert [r.name for r in second.all("AccessKey")] == ["cloudwatch-2"]


def test_with_the_role_there_is_no_key_at_all() -> None:
    run = run_once({"cloudwatchAuth": "role"})
    assert not [r for kind in ("User", "AccessKey", "Group", "Policy") for r in run.all(kind)]
    assert run.one("RolePolicy", "cloudwatch-read")["policy"] == read_cloudwatch()
    datasource = run.one("DataSource", "cloudwatch")
    options = json.loads(datasource["jsonDataEncoded"])
    assert (options["authType"], options["profile"]) == ("credentials", "cloudwatch")
    assert "secureJsonDataEncoded" not in datasource
    assert run.outputs["cloudwatchAccessKeyId"] == ""


def test_who_reads_cloudwatch_and_who_reads_secrets_are_two_roles() -> None:
    run = run_once({"cloudwatchAuth": "role"})
    assert {p.name: p.inputs["role"].removeprefix("Role-") for p in run.all("RolePolicy")} == {
        "server-parameters": "server",
        "backups": "server",
        "cloudwatch-read": "cloudwatch",
    }
    (trust,) = statements(run.one("Role", "cloudwatch")["assumeRolePolicy"])
    assert trust["Principal"] == {"AWS": "arn:aws:iam::111122223333:role/server"}
    assert trust["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("auth", ["key", "role"])
def test_every_identity_has_the_boundary(auth: str) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    run = run_once({"cloudwatchAuth": auth, "permissionsBoundary": boundary})
    identities = [*run.all("Role"), *run.all("User")]
    assert len(identities) == 2
    assert [each.inputs.get("permissionsBoundary") for each in identities] == [boundary] * 2
    without = run_once({"cloudwatchAuth": auth})
    assert not [each for each in [*without.all("Role"), *without.all("User")] if "permissionsBoundary" in each.inputs]


# --- Secrets


def test_the_role_reads_its_own_parameters_and_nothing_else(prod: Run) -> None:
    (statement,) = statements(prod.one("RolePolicy", "server-parameters")["policy"])
    assert statement["Action"] == "ssm:GetParametersByPath"
    own = "arn:aws:ssm:eu-central-1:111122223333:parameter/monitoring/prod.server"
    assert statement["Resource"] == [own, f"{own}/state"]


def test_only_ec2_may_take_the_role(prod: Run) -> None:
    (statement,) = statements(prod.one("Role")["assumeRolePolicy"])
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_every_secret_is_an_encrypted_parameter_and_every_file_a_readable_one(prod: Run) -> None:
    found: dict[str, set[str]] = {}
    for parameter in prod.all("Parameter"):
        assert parameter.inputs["name"].startswith("/monitoring/prod.server/")
        name = parameter.inputs["name"].removeprefix("/monitoring/prod.server/")
        found.setdefault(parameter.inputs["type"], set()).add(name)
        if parameter.inputs["type"] == "String":
            assert not SECRETS.search(parameter.inputs["insecureValue"])
    assert found["SecureString"] == {
        *("ca-certificate", "server-certificate", "server-key"),
        *("grafana-admin-password", "grafana-automation-password", "grafana-secret-key"),
        *("influxdb-telegraf-password", "influxdb-grafana-password"),
    }
    assert found["String"] >= {"server.conf", "grafana.ini", "telegraf.conf", "state/revision", "state/users-in-use"}


def test_the_revision_names_every_value_and_its_version(prod: Run) -> None:
    first, *lines = prod.one("Parameter", "parameters-revision")["insecureValue"].splitlines()
    listed = dict(line.split() for line in lines)
    names = {parameter.inputs["name"].removeprefix("/monitoring/prod.server/") for parameter in prod.all("Parameter")}
    assert set(listed) == {name for name in names if not name.startswith("state/")}
    assert set(listed.values()) == {"3"}
    revision = str(prod.one("Command", "ready")["environment"]["READY_REVISION"])
    assert first == f"# {revision}"
    assert re.fullmatch("[0-9a-f]{32}", revision)


def test_another_value_is_another_revision_though_the_versions_are_the_same(prod: Run) -> None:
    other = run_program({"retention": "8d"})
    environments = [run.one("Command", "ready")["environment"] for run in (prod, other)]
    assert environments[0]["READY_REVISION"] != environments[1]["READY_REVISION"]


def test_passwords_are_long_and_need_no_escaping(prod: Run) -> None:
    assert prod.all("RandomPassword")
    for password in prod.all("RandomPassword"):
        assert password.inputs["length"] >= 32
        assert password.inputs["special"] is False


def test_secrets_are_nowhere_but_where_they_belong(prod: Run) -> None:
    may = {"Parameter", "Command", "DataSource", "grafana", "PrivateKey", "CertRequest", "LocallySignedCert"}
    may |= {"SelfSignedCert"}
    assert any(SECRETS.search(json.dumps(resource.inputs)) for resource in prod.all("Parameter")), "the search finds"
    for resource in prod.resources:
        if resource.type.rpartition(":")[2] not in may:
            assert not SECRETS.search(json.dumps(resource.inputs)), resource


def test_whatever_holds_a_secret_is_marked_as_one(prod: Run) -> None:
    for resource in prod.resources:
        for key, value in resource.inputs.items():
            marked = key in resource.secret or resource.type.startswith("tls:")
            inside = key == "environment"  # marked element by element
            assert marked or inside or not SECRETS.search(json.dumps(value)), (resource.type, key)


def test_the_gates_show_no_secret(prod: Run) -> None:
    ready, answers = prod.one("Command", "ready"), prod.one("Command", "answers")
    revision = ready["environment"]["READY_REVISION"]
    for command in (ready, answers):
        assert not SECRETS.search(command["create"])
        assert not SECRETS.search(json.dumps(command["triggers"]))
    assert ready["triggers"] == ["Instance-server-arm64", "t4g.medium", revision]
    assert answers["triggers"] == ["Instance-server-arm64", revision, "AccessKey-cloudwatch-1", "eu-central-1"]


@pytest.mark.parametrize("external", [False, True])
def test_the_gates_talk_to_grafana_alone(external: bool) -> None:
    """The machine that runs Pulumi reaches what `operatorCidrs` opens: not InfluxDB, whether ours or another."""
    theirs = {"url": "https://influx.example.com:9086", "username": "both", "password": "password-of-theirs"}
    changes = {"influxdb": theirs, "agentCidrs": [], "retention": "30d"} if external else {}
    run = run_once(changes, secret=("influxdb",) if external else ())
    for name in ("ready", "answers"):
        given = run.one("Command", name)["environment"]
        assert (given["READY_ADDRESS"], given["READY_PORT"]) == (ADDRESS, "3000")
        assert (given["READY_USER"], given["READY_PASSWORD"]) == (AUTOMATION, "password-of-grafana-automation")
        assert not re.search("8086|9086|influx", json.dumps(given))


def test_up_waits_for_a_measurement_as_long_as_one_takes(prod: Run) -> None:
    assert prod.one("Command", "answers")["environment"]["READY_TIMEOUT"] == "900"
    seldom = run_program({"collectionInterval": "1h"})
    assert seldom.one("Command", "answers")["environment"]["READY_TIMEOUT"] == str(2 * 3600 + 60)
    assert seldom.one("Command", "ready")["environment"]["READY_TIMEOUT"] == "900"


def test_secret_outputs_are_secret_and_the_others_are_not(prod: Run) -> None:
    secret = {name for name, marked in prod.secrets.items() if marked}
    assert secret == {
        *("grafanaAdminPassword", "agentInstallScript", "agentCloudInit", "agentAnsibleRole", "agentCredentials"),
    }


def test_the_outputs(prod: Run) -> None:
    assert prod.outputs["grafanaUrl"] == f"https://{ADDRESS}:3000"
    assert prod.outputs["influxdbUrl"] == f"https://{ADDRESS}:8086"
    assert prod.outputs["grafanaAdminUser"] == "admin"
    assert "the-ca" in prod.outputs["caCertificate"]
    assert prod.outputs["agentInstallScript"].startswith("#!/bin/bash")
    assert prod.outputs["agentCloudInit"].startswith("#cloud-config")
    assert prod.outputs["dashboardUrls"]["Linux hosts"] == f"https://{ADDRESS}:3000/d/linux-hosts"
    assert prod.outputs["cloudwatchAccessKeyId"] == "AccessKey-cloudwatch-1"


def test_the_certificate_is_for_the_address_and_the_machine_itself(prod: Run) -> None:
    request = prod.one("CertRequest")
    assert request["ipAddresses"] == [ADDRESS, "127.0.0.1"]
    assert request["dnsNames"] == ["localhost"]
    assert {authority.inputs["isCaCertificate"] for authority in prod.all("SelfSignedCert")} == {True}
    assert "isCaCertificate" not in prod.one("LocallySignedCert")


def test_the_certificate_is_renewed_before_the_alert_about_its_end_and_the_authority_stays(prod: Run) -> None:
    certificate = prod.one("LocallySignedCert")
    assert certificate["earlyRenewalHours"] == RENEWED_DAYS * 24 > AlertThresholds().certificate_days * 24
    # Apple's systems accept no more (support.apple.com/en-us/103769).
    assert certificate["validityPeriodHours"] <= 825 * 24
    assert "server_auth" in certificate["allowedUses"] and "cert_signing" not in certificate["allowedUses"]
    for authority in prod.all("SelfSignedCert"):
        assert authority.inputs["validityPeriodHours"] >= 5 * certificate["validityPeriodHours"]
        assert "earlyRenewalHours" not in authority.inputs, (
            "a new one is `certificateGeneration`: agents learn it first"
        )
        assert "cert_signing" in authority.inputs["allowedUses"]


# --- Server


def test_the_metadata_service_wants_tokens(prod: Run) -> None:
    options = prod.one("Instance")["metadataOptions"]
    assert options == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_both_volumes_are_encrypted(prod: Run) -> None:
    assert prod.one("Instance")["rootBlockDevice"]["encrypted"] is True
    assert prod.one("Volume")["encrypted"] is True
    assert prod.one("Volume")["type"] == "gp3"
    assert prod.one("Volume")["size"] == 100


def test_the_system_is_stopped_before_the_volume_moves(prod: Run) -> None:
    assert prod.one("VolumeAttachment")["stopInstanceBeforeDetaching"] is True


def test_other_user_data_is_another_server(prod: Run) -> None:
    assert prod.one("Instance")["userDataReplaceOnChange"] is True


def test_the_image_is_debian_s_own_for_the_architecture(prod: Run) -> None:
    (lookup,) = [arguments for kind, arguments in prod.calls if kind == "getAmi"]
    assert lookup["owners"] == ["136693071363"]
    assert lookup["mostRecent"] is True
    assert lookup["filters"][0] == {"name": "name", "values": ["debian-13-arm64-*"]}


def test_another_architecture_is_another_instance() -> None:
    run = run_program(answers={"getInstanceType": {"supportedArchitectures": ["i386", "x86_64"]}})
    assert [r.name for r in run.all("Instance")] == ["server-amd64"]


def test_an_image_of_the_wrong_architecture_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="amiId = ami-00000002: is for x86_64, but"):
        run_program({"amiId": "ami-00000002"}, {"getAmi": {"id": "ami-00000002", "architecture": "x86_64"}})


def test_a_type_without_a_debian_image_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="Debian has no image"):
        run_program(answers={"getInstanceType": {"supportedArchitectures": ["x86_64_mac"]}})


def test_a_generation_changes_every_password_and_both_of_influxdb_s_users(prod: Run) -> None:
    second = run_once({"passwordGeneration": "2"})
    for name in ("grafana-admin", "grafana-automation", "influxdb-telegraf", "influxdb-grafana"):
        assert prod.one("RandomPassword", name)["keepers"] == {"generation": "1"}
        assert second.one("RandomPassword", name)["keepers"] == {"generation": "2"}
    # A name of its own, too: the new password is tried before the server has it, which must not lock anyone.
    assert prod.one("RandomString", "grafana-automation-login")["keepers"] == {"generation": "1"}
    assert second.one("RandomString", "grafana-automation-login")["keepers"] == {"generation": "2"}
    # Grafana's datasources are encrypted with it: another one would make them unreadable.
    assert "keepers" not in second.one("RandomPassword", "grafana-secret-key")
    assert "keepers" not in second.one("RandomPassword", "revision-key")
    assert second.one("DataSource", "influxdb")["username"] == "grafana-2"
    assert "WRITER=telegraf-2\nREADER=grafana-2\n" in second.one("Parameter", "server.conf")["insecureValue"]
    assert second.one("Parameter", "influxdb-users-in-use")["insecureValue"] == "telegraf-2 grafana-2"


def test_the_authority_of_the_next_generation_is_trusted_beforehand(prod: Run) -> None:
    second = run_program({"certificateGeneration": 2})
    assert {r.name for r in prod.all("SelfSignedCert")} == {"authority-ca-1", "authority-ca-2"}
    assert {r.name for r in second.all("SelfSignedCert")} == {"authority-ca-2", "authority-ca-3"}
    assert [r.name for r in second.all("LocallySignedCert")] == ["authority-server-2"]


def test_what_services_are_given_is_not_a_reason_for_another_server(prod: Run) -> None:
    changed = {"retention": "8d", "collectionInterval": "30s", "passwordGeneration": 2}
    assert run_program(changed).one("Instance")["userData"] == prod.one("Instance")["userData"]


def test_user_data_that_is_too_large_is_refused_before_anything_is_made() -> None:
    with pytest.raises(pulumi.RunError, match=r"bytes, \d+ more than the 12288 allowed; shorten"):
        run_program({"grafanaRepository": dict.fromkeys(("url", "keyUrl"), "https://a.b/" + "x" * 3900)})


# --- Grafana


def test_grafana_is_reached_as_pulumi_s_own_user_and_with_its_authority(prod: Run) -> None:
    provider = prod.one("grafana")
    assert provider["url"] == f"https://{ADDRESS}:3000"
    assert provider["auth"] == f"{AUTOMATION}:password-of-grafana-automation"
    assert "the-ca" in provider["caCert"]
    assert "insecureSkipVerify" not in provider


def test_the_influxdb_datasource_reads_only_and_verifies(prod: Run) -> None:
    datasource = prod.one("DataSource", "influxdb")
    assert datasource["uid"] == "influxdb"
    assert datasource["url"] == "https://localhost:8086"
    assert datasource["username"] == "grafana"
    options = json.loads(datasource["jsonDataEncoded"])
    assert options["dbName"] == "telegraf"
    assert options["tlsAuthWithCACert"] is True
    assert "tlsSkipVerify" not in options
    secret = json.loads(datasource["secureJsonDataEncoded"])
    assert secret["password"] == "password-of-influxdb-grafana"
    assert "the-ca" in secret["tlsCACert"]


def test_the_cloudwatch_datasource_has_the_user_s_key(prod: Run) -> None:
    datasource = prod.one("DataSource", "cloudwatch")
    assert json.loads(datasource["jsonDataEncoded"]) == {"authType": "keys", "defaultRegion": "eu-central-1"}
    assert json.loads(datasource["secureJsonDataEncoded"]) == {
        "accessKey": "AccessKey-cloudwatch-1",
        "secretKey": "secret-of-the-access-key",
    }


def test_every_dashboard_lies_in_the_folder(prod: Run) -> None:
    boards = prod.all("Dashboard")
    assert {json.loads(r.inputs["configJson"])["uid"] for r in boards} >= {"linux-hosts", "aws-ec2"}
    assert {r.inputs["folder"] for r in boards} == {"monitoring"}


# --- Another InfluxDB, an own certificate


def test_another_influxdb_leaves_the_own_one_out() -> None:
    external = {
        "url": "https://influx.example.com:9086",
        "username": "both",
        "password": "password-of-theirs",
    }
    run = run_once({"influxdb": external, "agentCidrs": [], "retention": "30d"}, secret=("influxdb",))
    assert {r.inputs["fromPort"] for r in run.all("SecurityGroupIngressRule")} == {3000}
    assert 9086 in {r.inputs["fromPort"] for r in run.all("SecurityGroupEgressRule")}
    user_data = run.one("Instance")["userData"]
    assert "INFLUXDB_VERSION=''" in user_data
    assert "influxdb.conf" not in {r.name for r in run.all("Parameter")}
    assert "influxdb-users-in-use" not in {r.name for r in run.all("Parameter")}
    assert "Certificate" not in {r.inputs["name"] for r in run.all("RuleGroup")}, "nobody would measure it"
    assert not SECRETS.search(user_data)
    assert run.outputs["influxdbUrl"] == "https://influx.example.com:9086"
    of_grafana = {"grafana-admin", "grafana-automation", "grafana-secret-key"}
    assert {r.name for r in run.all("RandomPassword")} == of_grafana | {"revision-key"}


def test_the_user_s_own_certificate_is_used_under_its_name() -> None:
    own = {"certificate": CERTIFICATE, "privateKey": KEY}
    run = run_program({"domain": "m.example.com", "certificate": own}, secret=("certificate",))
    assert not [r for r in run.resources if r.type.startswith("tls:")]
    assert run.one("grafana")["url"] == "https://m.example.com:3000"
    assert run.one("DataSource", "influxdb")["url"] == "https://m.example.com:8086"
    assert "ca-certificate" not in {r.name for r in run.all("Parameter")}
    assert "LOCAL_NAME=m.example.com\n" in run.one("Instance")["userData"]


def test_a_long_certificate_chain_takes_an_advanced_parameter() -> None:
    own = {"certificate": certificate_text(signed(ec_key(), filling=3500)), "privateKey": KEY}
    run = run_program({"domain": "m.example.com", "certificate": own}, secret=("certificate",))
    assert {r.name for r in run.all("Parameter") if r.inputs["tier"] == "Advanced"} == {"server-certificate"}


LONGEST_URL = "https://" + ".".join(["i" * 63] * 3 + ["example", "org:65535"]) + "/" + "x" * 794
LONGEST: dict[str, Any] = {
    "influxdb": {
        **{"url": LONGEST_URL, "database": "d" * 63, "username": "u" * 63, "password": "\\" * 1024},
        "ca": certificate_text(issue(ec_key(), filling=2400)),
    },
    "agentCidrs": [],
    "domain": ".".join(["m" * 63] * 3 + ["example", "org"]),
    "certificate": {
        "certificate": certificate_text(
            signed(ec_key(), names=("*." + ".".join(["m" * 63] * 2 + ["example.org"]),), filling=5000)
        ),
        "privateKey": KEY,
    },
    "smtp": {
        **{"host": ".".join(["s" * 63] * 3 + ["example", "org"]), "port": 2587, "user": "u" * 256},
        **{"password": '"' * 1024, "sender": "s" * 64 + "@" + ".".join(["e" * 63] * 2 + ["example.org"])},
    },
    "contactPoints": {"email": ["a@b.cc"]},
    "restoreFrom": "s3://" + "b" * 63 + "/" + "s" * 100 + "/2026-11-24T03-00-00Z",
    "backups": {"now": 1_000_000},
    "retention": "30d",
    "collectionInterval": "60s",
    "cloudwatchAuth": "role",
}
"""The longest that settings allow, for everything that ends up in a parameter."""


@pytest.mark.parametrize("without", ["influxdb", "certificate", ""])
def test_the_longest_settings_fit_their_parameters(without: str) -> None:
    """shared case file_sizes: what AWS's tiers hold."""
    changes = {key: value for key, value in LONGEST.items() if key != without}
    if without == "influxdb":
        changes["agentCidrs"] = ["198.51.100.0/24"]
    run = run_program(changes, secret=("influxdb", "certificate", "smtp", "contactPoints"))
    limits = {"Standard": 4096, "Advanced": 8192}
    sizes = {}
    for parameter in run.all("Parameter"):
        text = parameter.inputs.get("value") or parameter.inputs["insecureValue"]
        sizes[parameter.name] = (len(text.encode()), parameter.inputs["tier"])
    assert not {name: size for name, size in sizes.items() if size[0] > limits[size[1]]}
    assert {name for name, (_, tier) in sizes.items() if tier == "Advanced"} <= {"server-certificate"}


def test_nothing_costs_more_with_ordinary_settings(prod: Run) -> None:
    assert {r.inputs["tier"] for r in prod.all("Parameter")} == {"Standard"}


@pytest.mark.parametrize("auth", ["key", "role"])
def test_whatever_the_boot_asks_for_is_a_parameter(auth: str) -> None:
    run = run_once({"cloudwatchAuth": auth})
    there = {parameter.inputs["name"].partition("/prod.server/")[2] for parameter in run.all("Parameter")}
    texts = [parameter.inputs.get("insecureValue") or "" for parameter in run.all("Parameter")]
    scripts = "\n".join([run.one("Instance")["userData"], *texts])
    asked = set(re.findall(r'\bvalue "?([a-z][\w.-]+)(?=["\s)])', scripts))
    for variable, words, name in re.findall(r"for (\w+) in ([^;\n]+); do\s+value (\S+)", scripts):
        asked |= {name.replace(f"${variable}", word) for word in words.split() if "$" not in word}
    assert len(asked) > 25
    # The boot asks for these only if they are listed.
    moving = {"influxdb-moving", "influxdb-moving.service", "influxdb-moving.timer", "moving_engine.py"}
    public = {"acme-ca-certificate", "public-certificate", "haproxy.cfg", "haproxy.conf"}
    units = {f"monitoring-certificate.{kind}" for kind in ("service", "timer")}
    assert asked - there == {"smtp-password", "oauth-secret", *moving, *public, *units}
    assert {"cloudwatch-credentials", "monitoring-backup.timer", "influxdb-hardening.conf", "backup"} <= asked
