"""Rules about the instance, its volumes, its address and its security group."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_network

from tests.components.conftest import Run
from tests.components.hardening.rule import Find, Inputs, each, label, made, none, program, rule, within

KEY = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|password-of-|secret-of-|hidden-key-of-"
)
"""What checkov looks for in user data, and what the mocks answer for everything secret."""

COMMON_PORTS = {
    **{20: "FTP", 21: "FTP", 23: "Telnet", 88: "Kerberos", 389: "LDAP", 445: "CIFS", 636: "LDAP", 1433: "SQL Server"},
    **{1521: "Oracle", 3306: "MySQL", 5432: "PostgreSQL", 5601: "Kibana", 6379: "Redis", 7000: "Cassandra"},
    **{9042: "Cassandra", 9092: "Kafka", 9200: "Elasticsearch", 11211: "Memcached", 27017: "MongoDB"},
}
"""Prowler's ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_… and ec2_instance_port_…_exposed_to_internet."""


def closed(*ports: int) -> Find:
    """No rule opens one of the ports to everyone (checkov: from 0.0.0.0/0 or ::/0, any range that contains it)."""

    def holds(inputs: Inputs) -> bool:
        if not {inputs.get("cidrIpv4"), inputs.get("cidrIpv6")} & {"0.0.0.0/0", "::/0"}:
            return True
        if inputs.get("ipProtocol") == "-1":
            return False
        return not any(inputs["fromPort"] <= port <= inputs["toPort"] for port in ports)

    return each("SecurityGroupIngressRule", holds)


def let_in(from_port: int, to_port: int, protocol: str = "tcp", cidr: str = "0.0.0.0/0") -> Run:
    """A program that opens these ports."""
    ports = {"fromPort": from_port, "toPort": to_port, "ipProtocol": protocol, "cidrIpv4": cidr}
    return program(made("SecurityGroupIngressRule", **ports))


def instance(**inputs: object) -> Run:
    """A program with one instance."""
    return program(made("Instance", **inputs))


def used_by(kinds: str, users: str, *inputs: str) -> Find:
    """Finds resources whose ID (as the mocks make it) no resource of `users` names in one of the inputs."""

    def find(run: Run) -> list[str]:
        named = {
            str(value)
            for kind in users.split()
            for r in run.all(kind)
            for name in inputs
            for value in _flat(r.inputs.get(name))
        }
        return [label(r) for kind in kinds.split() for r in run.all(kind) if f"{label(r)}-{r.name}" not in named]

    return find


def _flat(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def decoded(inputs: Inputs) -> str:
    """User data as text."""
    if inputs.get("userDataBase64"):
        return base64.b64decode(inputs["userDataBase64"]).decode(errors="replace")
    return str(inputs.get("userData", ""))


def wide(inputs: Inputs) -> bool:
    """Prowler's measure: public ranges larger than /24."""
    network = ip_network(inputs.get("cidrIpv4") or inputs.get("cidrIpv6") or "10.0.0.0/8")
    return network.is_global and 0 < network.prefixlen < 24


RULES = [
    rule(
        "CKV_AWS_79 ec2_instance_imdsv2_enabled",
        "the metadata service requires tokens",
        each("Instance", lambda i: within(i, "metadataOptions", "httpTokens") == "required"),
        instance(metadataOptions={"httpEndpoint": "enabled", "httpTokens": "optional"}),
    ),
    rule(
        "CKV_AWS_341",
        "tokens of the metadata service do not leave the machine",
        each("Instance LaunchTemplate", lambda i: within(i, "metadataOptions", "httpPutResponseHopLimit") == 1),
        instance(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2}),
    ),
    rule(
        "CKV_AWS_8",
        "the root volume is encrypted",
        each("Instance", lambda i: within(i, "rootBlockDevice", "encrypted") is True),
        instance(rootBlockDevice={"encrypted": False}),
    ),
    rule(
        "CKV_AWS_3 CKV2_AWS_2 ec2_ebs_volume_encryption",
        "every volume is encrypted",
        each("Volume", lambda v: v.get("encrypted") is True),
        program(made("Volume", size=1)),
    ),
    rule(
        "CKV_AWS_189",
        "volumes are encrypted with a customer-managed key",
        each("Volume", lambda v: v.get("kmsKeyId")),
        program(made("Volume", encrypted=True)),
    ),
    rule(
        "ec2_ebs_volume_protected_by_backup_plan ec2_ebs_volume_snapshots_exists",
        "volumes are in a plan of AWS Backup, or have snapshots",
        lambda run: [
            label(r) for r in run.all("Volume") if not run.all("Selection") and not run.all("LifecyclePolicy")
        ],
        program(made("Volume", encrypted=True)),
    ),
    rule(
        "CKV_AWS_126 ec2_instance_detailed_monitoring_enabled",
        "CloudWatch measures the instance every minute",
        each("Instance", lambda i: i.get("monitoring") is True),
        instance(monitoring=False),
    ),
    rule(
        "CKV_AWS_135",
        "volumes have their own bandwidth (EBS-optimized)",
        each("Instance", lambda i: i.get("ebsOptimized") is True),
        instance(ebsOptimized=False),
    ),
    rule(
        "CKV_AWS_88",
        "no public address from AWS's pool",
        each("Instance LaunchTemplate", lambda i: i.get("associatePublicIpAddress") is not True),
        instance(associatePublicIpAddress=True),
    ),
    rule(
        "ec2_instance_public_ip ec2_instance_internet_facing_with_instance_profile",
        "no public address",
        none("EipAssociation"),
        program(made("EipAssociation", allocationId="a", instanceId="i")),
    ),
    rule(
        "CKV_AWS_46 ec2_instance_secrets_user_data",
        "no secret in user data",
        each("Instance", lambda i: not KEY.search(decoded(i))),
        instance(userDataBase64=base64.b64encode(b"export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE").decode()),
    ),
    rule(
        "CKV2_AWS_41 ec2_instance_profile_attached",
        "the instance has a role",
        each("Instance", lambda i: i.get("iamInstanceProfile")),
        instance(),
    ),
    rule(
        "ec2_instance_managed_by_ssm",
        "the instance is managed by Systems Manager",
        lambda run: [label(r) for r in run.all("Instance") if not run.all("Activation") and not _ssm_agent(run)],
        instance(),
    ),
    rule(
        "CKV_AWS_386",
        "images are looked up by owner",
        lambda run: ["getAmi" for kind, found in run.calls if kind == "getAmi" and _by_name(found)],
        program(calls=(("getAmi", {"filters": [{"name": "name", "values": ["debian-*"]}]}),)),
    ),
    rule(
        "CKV_AWS_41",
        "no access key in the provider",
        each("aws", lambda p: not {"accessKey", "secretKey", "token"} & set(p)),
        program(made("aws", accessKey="AKIAIOSFODNN7EXAMPLE")),
    ),
    rule(
        "CKV_AWS_23",
        "the security group and each of its rules have a description",
        each("SecurityGroup SecurityGroupIngressRule SecurityGroupEgressRule", lambda r: r.get("description")),
        program(made("SecurityGroupIngressRule", fromPort=1, toPort=1)),
    ),
    rule(
        "CKV_AWS_24 ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22",
        "SSH is not open to the world",
        closed(22),
        let_in(20, 25),
    ),
    rule("CKV_AWS_25", "remote desktop is not open to the world", closed(3389), let_in(0, 65535)),
    rule("CKV_AWS_260", "plain HTTP is not open to the world", closed(80), let_in(80, 80)),
    rule(
        "CKV_AWS_277 ec2_securitygroup_allow_ingress_from_internet_to_all_ports",
        "no rule opens all ports",
        each("SecurityGroupIngressRule", lambda r: r.get("ipProtocol") != "-1"),
        let_in(-1, -1, "-1"),
    ),
    rule(
        "ec2_securitygroup_allow_ingress_from_internet_to_any_port",
        "nothing is open to the world",
        closed(*range(65536)),
        let_in(8086, 8086),
    ),
    rule(
        "ec2_securitygroup_allow_ingress_from_internet_to_high_risk_tcp_ports",
        "no database or file server is open to the world",
        closed(*COMMON_PORTS),
        let_in(5432, 5432),
    ),
    rule(
        "ec2_securitygroup_allow_wide_open_public_ipv4",
        "no public range above /24, except the whole world where it is written",
        each("SecurityGroupIngressRule", lambda r: not wide(r)),
        let_in(3000, 3000, cidr="52.0.0.0/8"),
    ),
    rule(
        "CKV_AWS_382",
        "no rule allows all outgoing traffic",
        each("SecurityGroupEgressRule", lambda r: r.get("ipProtocol") != "-1"),
        program(made("SecurityGroupEgressRule", ipProtocol="-1", cidrIpv4="0.0.0.0/0")),
    ),
    rule(
        "CKV2_AWS_5 ec2_securitygroup_not_used",
        "the security group is used",
        used_by("SecurityGroup", "Instance DbInstance NetworkInterface", "vpcSecurityGroupIds", "securityGroups"),
        program(made("SecurityGroup", description="unused"), made("Instance", vpcSecurityGroupIds=[])),
    ),
    rule(
        "CKV2_AWS_19 ec2_elastic_ip_unassigned",
        "the Elastic IP is used",
        used_by("Eip", "EipAssociation", "allocationId"),
        program(made("Eip", domain="vpc")),
    ),
    rule("CKV_AWS_148", "no default VPC is made", none("DefaultVpc"), program(made("DefaultVpc"))),
]


def _ssm_agent(run: Run) -> bool:
    return any("amazon-ssm-agent" in decoded(r.inputs) for r in run.all("Instance"))


def _by_name(lookup: Inputs) -> bool:
    return any(f["name"] == "name" for f in lookup.get("filters", [])) and not lookup.get("owners")
