"""Finds and removes what a killed update had begun to create and not recorded, as docs/recovery.md explains."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox.screen import Grafana
from tests.live.environment import Environment
from tests.live.services import grafana_request
from tests.live.stacks import refresh_or_fail, tail

Found = dict[str, str]
"""Ids of what exists; for a security group rule, its group as well."""


def pending_operations(environment: Environment) -> list[dict[str, Any]]:
    """The pending operations: Pulumi does not know their outcome."""
    exported = json.loads(environment.pulumi("stack", "export").stdout)
    return list(exported["deployment"].get("pending_operations") or [])


def _instances(environment: Environment) -> Found:
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    found = environment.aws("ec2").describe_instances(Filters=[states])["Reservations"]
    return {instance["InstanceId"]: "" for each in found for instance in each["Instances"]}


def _volumes(environment: Environment) -> Found:
    """Data volumes only: root volumes come and go with their instances."""
    found = environment.aws("ec2").describe_volumes(Filters=[{"Name": "tag:Name", "Values": ["*-data"]}])["Volumes"]
    return {each["VolumeId"]: "" for each in found}


def _rules(environment: Environment, *, egress: bool) -> Found:
    """Security group rules with a description: AWS's own have none."""
    found = environment.aws("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return {
        each["SecurityGroupRuleId"]: each["GroupId"]
        for each in found
        if each["IsEgress"] is egress and each.get("Description")
    }


def _iam(listing: str, key: str, id_: str, **arguments: str) -> Callable[[Environment], Found]:
    def find(environment: Environment) -> Found:
        return {each[id_]: "" for each in getattr(environment.aws("iam"), listing)(**arguments)[key]}

    return find


KINDS: dict[str, Callable[[Environment], Found]] = {
    "aws:ec2/instance:Instance": _instances,
    "aws:ebs/volume:Volume": _volumes,
    "aws:ec2/eip:Eip": lambda environment: {
        each["AllocationId"]: "" for each in environment.aws("ec2").describe_addresses()["Addresses"]
    },
    "aws:ec2/securityGroup:SecurityGroup": lambda environment: {
        each["GroupId"]: ""
        for each in environment.aws("ec2").describe_security_groups()["SecurityGroups"]
        if each["GroupName"] != "default"  # every VPC has one
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": lambda environment: _rules(environment, egress=False),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": lambda environment: _rules(environment, egress=True),
    "aws:iam/user:User": _iam("list_users", "Users", "UserName"),
    "aws:iam/group:Group": _iam("list_groups", "Groups", "GroupName"),
    "aws:iam/role:Role": _iam("list_roles", "Roles", "RoleName"),
    "aws:iam/policy:Policy": _iam("list_policies", "Policies", "Arn", Scope="Local"),
    "aws:iam/instanceProfile:InstanceProfile": _iam(
        "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"
    ),
    "aws:timestreaminfluxdb/dbInstance:DbInstance": lambda environment: {
        each["id"]: "" for each in environment.aws("timestream-influxdb").list_db_instances()["items"]
    },
    "aws:s3/bucket:Bucket": lambda environment: {
        each["Name"]: "" for each in environment.aws("s3").list_buckets()["Buckets"]
    },
}
"""What can stay behind without Pulumi knowing it. Resources of all other kinds are overwritten (parameters and
dashboards, by name, and their settings) or do not exist outside Pulumi (passwords, certificates, commands)."""


def inventory(environment: Environment) -> dict[str, set[str]]:
    """The ids of the resources of these kinds in the local AWS, by type."""
    return {kind: set(find(environment)) for kind, find in KINDS.items()}


def untracked(environment: Environment, before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What was created since `before` and is not in the stack's state."""
    known = {each["id"] for each in environment.resources() if "id" in each}
    found = {kind: ids - before[kind] - known for kind, ids in inventory(environment).items()}
    return {kind: ids for kind, ids in found.items() if ids}


def _grafana(environment: Environment) -> Grafana:
    """Grafana, found through AWS, as a stack whose first `up` was killed has no outputs yet."""
    ssm, folder = environment.aws("ssm"), environment.parameters
    ca, password = (
        ssm.get_parameter(Name=f"{folder}/{name}", WithDecryption=True)["Parameter"]["Value"]
        for name in ("ca-certificate", "grafana-admin-password")
    )
    authority = environment.place.state / f"test-ca-{environment.name}.pem"
    authority.write_text(ca)
    (address,) = [each["outputs"]["publicIp"] for each in environment.resources() if each["type"] == "aws:ec2/eip:Eip"]
    return Grafana(f"https://{address}:3000", "admin", password, authority)


def _delete_from_grafana(environment: Environment, kind: str, inputs: dict[str, Any]) -> None:
    """Delete what an interrupted creation may have left in Grafana."""
    paths = {
        "grafana:oss/folder:Folder": f"folders/{inputs.get('uid')}?forceDeleteRules=true",
        "grafana:oss/dataSource:DataSource": f"datasources/uid/{inputs.get('uid')}",
        "grafana:alerting/ruleGroup:RuleGroup": (
            f"v1/provisioning/folder/{inputs.get('folderUid')}/rule-groups/{inputs.get('name')}"
        ),
    }
    if kind in paths:
        done = grafana_request(_grafana(environment), "DELETE", f"/api/{paths[kind]}")
        assert done.status_code in (200, 204, 404), done.text


def _delete_from_aws(environment: Environment, kind: str, id_: str) -> None:
    """Delete a resource that is not used yet, and therefore empty."""
    ec2, iam, s3 = (environment.aws(service) for service in ("ec2", "iam", "s3"))
    timestream = environment.aws("timestream-influxdb")
    group = KINDS[kind](environment)[id_]
    {
        "Instance": lambda: ec2.terminate_instances(InstanceIds=[id_]),
        "Volume": lambda: ec2.delete_volume(VolumeId=id_),
        "Eip": lambda: ec2.release_address(AllocationId=id_),
        "SecurityGroup": lambda: ec2.delete_security_group(GroupId=id_),
        "SecurityGroupIngressRule": lambda: ec2.revoke_security_group_ingress(
            GroupId=group, SecurityGroupRuleIds=[id_]
        ),
        "SecurityGroupEgressRule": lambda: ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[id_]),
        "User": lambda: iam.delete_user(UserName=id_),
        "Group": lambda: iam.delete_group(GroupName=id_),
        "Role": lambda: iam.delete_role(RoleName=id_),
        "Policy": lambda: iam.delete_policy(PolicyArn=id_),
        "InstanceProfile": lambda: iam.delete_instance_profile(InstanceProfileName=id_),
        "Bucket": lambda: s3.delete_bucket(Bucket=id_),
        "DbInstance": lambda: timestream.delete_db_instance(identifier=id_),
    }[kind.rpartition(":")[2]]()


def recover(environment: Environment, before: dict[str, set[str]], *, named: bool = True) -> list[str]:
    """Do what a person does after an update was killed: cancel it, clear its pending creations, and delete what they
    left in AWS and Grafana. Returns what was pending, and what was deleted.

    before: what AWS had before the stack. named: whether Pulumi lists everything that was pending. It does not after a
    second Ctrl-C, which also ends the plugins: the engine treats a call whose connection ended as one that did nothing
    (pulumi's sdk/go/common/resource/plugin/provider_plugin.go, resourceStateAndError).
    """
    cancelled = environment.pulumi("cancel", "--yes")
    assert cancelled.returncode == 0, tail(cancelled)
    begun = [each["resource"] for each in pending_operations(environment) if each["type"] == "creating"]
    refresh_or_fail(environment, "--clear-pending-creates")
    assert pending_operations(environment) == []
    left = untracked(environment, before)
    unnamed = set(left) - {each["type"] for each in begun}
    assert not (named and unnamed), f"created, but not among what was pending: {unnamed}"
    for kind, ids in left.items():
        for id_ in ids:
            _delete_from_aws(environment, kind, id_)
    for each in begun:
        _delete_from_grafana(environment, each["type"], each.get("inputs", {}))
    opened = [f"{each['type']} {each['urn'].split('::')[-1]}" for each in begun]
    return opened + [f"deleted: {kind} {id_}" for kind, ids in left.items() for id_ in sorted(ids)]


def everything_in_aws(environment: Environment) -> dict[str, set[str]]:
    """The ids of everything that AWS lists, by kind."""
    pages = environment.aws("ssm").get_paginator("describe_parameters").paginate()
    ec2, secrets = environment.aws("ec2"), environment.aws("secretsmanager")
    return {
        **inventory(environment),
        "volumes": {each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]},
        "interfaces": {each["NetworkInterfaceId"] for each in ec2.describe_network_interfaces()["NetworkInterfaces"]},
        "secrets": {each["ARN"] for each in secrets.list_secrets()["SecretList"]},
        "parameters": {each["Name"] for each in pages.search("Parameters") if each},
    }
