"""Security groups and their rules: aws.ec2.SecurityGroup, aws.vpc.SecurityGroup{Ingress,Egress}Rule."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import code
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, Ec2Resource, or_gone, present
from sandbox.plugins.base import BOOLEAN, INTEGER, TEXT, Failure, Input, Output, Properties, fields

_GROUP_GONE = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")
_RULE_GONE = ("InvalidSecurityGroupRuleId.NotFound", *_GROUP_GONE)
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


class SecurityGroup(Ec2Resource):
    """A group without inline rules; each rule is a separate resource."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    title = "EC2 Security Group"
    inputs = fields(
        description=Input(TEXT, default="Managed by Pulumi", replaces=True),
        name=Input(TEXT, auto_name=True, replaces=True),
        revokeRulesOnDelete=Input(BOOLEAN, default=False),
        vpcId=Input(TEXT, computed=True, replaces=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(ownerId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        ec2 = self.ec2(inputs)
        vpc = inputs.get("vpcId") or _default_vpc(ec2)
        group = ec2.create_security_group(
            GroupName=inputs["name"],
            Description=inputs["description"],
            **present(VpcId=vpc, TagSpecifications=self.tag_specification("security-group", inputs)),
        )["GroupId"]
        # AWS gives each new group a rule that allows all outgoing traffic; the provider removes it, so that the program
        # alone decides.
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        or_gone(
            lambda: ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything),
            "InvalidPermission.NotFound",
        )
        return group, self.read(group, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        ec2 = self.ec2(state)
        answer = or_gone(lambda: ec2.describe_security_groups(GroupIds=[id_]), *_GROUP_GONE)
        if answer is None:
            return None
        group = answer["SecurityGroups"][0]
        region = self.region(state)
        return {
            "arn": self.client.arn("ec2", f"security-group/{id_}", region),
            "description": group["Description"],
            "name": group["GroupName"],
            "ownerId": group["OwnerId"],
            "vpcId": group.get("VpcId"),
            "region": region,
            **self.tags_out(group.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        ec2 = self.ec2(state)
        if state.get("revokeRulesOnDelete"):
            self._revoke_all(ec2, id_)

        def gone() -> bool | None:
            # What uses the group (such as an instance that was just terminated) may take a moment to release it.
            try:
                or_gone(lambda: ec2.delete_security_group(GroupId=id_), *_GROUP_GONE)
            except ClientError as error:
                if code(error) == "DependencyViolation" and not self.request.cancelled.is_set():
                    return None
                raise
            return True

        self.wait("delete: something still uses the group", gone, 15 * 60)

    def _revoke_all(self, ec2: Any, id_: str) -> None:
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [id_]}])
        for rule in rules["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=id_, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def _default_vpc(ec2: Any) -> str | None:
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return vpcs[0]["VpcId"] if vpcs else None


class _Rule(Ec2Resource):
    """What both directions have in common. direction: as in the names of the requests."""

    direction: ClassVar[str]
    inputs = fields(
        ipProtocol=Input(TEXT, required=True),
        securityGroupId=Input(TEXT, required=True, replaces=True),
        cidrIpv4=Input(TEXT),
        cidrIpv6=Input(TEXT),
        description=Input(TEXT),
        fromPort=Input(INTEGER),
        prefixListId=Input(TEXT),
        referencedSecurityGroupId=Input(TEXT),
        toPort=Input(INTEGER),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(securityGroupRuleId=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if sum(name in inputs for name in _SOURCES) != 1:
            reason = f"Invalid Attribute Combination. Exactly one of these must be set: {', '.join(_SOURCES)}"
            yield Failure("cidrIpv4", reason)
        for name in ("cidrIpv4", "cidrIpv6"):
            if isinstance(inputs.get(name), str):
                try:
                    ip_network(inputs[name])
                except ValueError as error:
                    yield Failure(name, f"Invalid Attribute Value. {error}; write it like 192.0.2.0/24")
        for name in ("fromPort", "toPort"):
            if isinstance(inputs.get(name), int) and not -1 <= inputs[name] <= 65535:
                yield Failure(name, "Invalid Attribute Value. A port is between -1 and 65535")

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        # The value of a rule's source can change in place, but not its type.
        if name in _SOURCES:
            return (old.get(name) is None) != (new.get(name) is None)
        return declared

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        ec2 = self.ec2(inputs)
        rule = getattr(ec2, f"authorize_security_group_{self.direction}")(
            GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)]
        )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        if tags := self.tag_list(inputs):
            ec2.create_tags(Resources=[rule], Tags=tags)
        return rule, self.read(rule, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        ec2 = self.ec2(state)
        answer = or_gone(lambda: ec2.describe_security_group_rules(SecurityGroupRuleIds=[id_]), *_RULE_GONE)
        if not answer or not answer["SecurityGroupRules"]:
            return None
        rule = answer["SecurityGroupRules"][0]
        region = self.region(state)
        return {
            "arn": self.client.arn("ec2", f"security-group-rule/{id_}", region),
            "securityGroupRuleId": id_,
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "prefixListId": rule.get("PrefixListId"),
            "referencedSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
            "description": rule.get("Description") or None,
            "fromPort": _port(rule.get("FromPort"), state.get("fromPort")),
            "toPort": _port(rule.get("ToPort"), state.get("toPort")),
            "region": region,
            **self.tags_out(rule.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        ec2 = self.ec2(new)
        names = set(_Rule.inputs) - {"tags", "region"}
        if any(old.get(name) != new.get(name) for name in names):
            rule = present(
                IpProtocol=new["ipProtocol"],
                FromPort=new.get("fromPort", -1),
                ToPort=new.get("toPort", -1),
                CidrIpv4=new.get("cidrIpv4"),
                CidrIpv6=new.get("cidrIpv6"),
                PrefixListId=new.get("prefixListId"),
                ReferencedGroupId=new.get("referencedSecurityGroupId"),
                Description=new.get("description"),
            )
            ec2.modify_security_group_rules(
                GroupId=new["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}],
            )
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        revoke = getattr(self.ec2(state), f"revoke_security_group_{self.direction}")
        or_gone(
            lambda: revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id_]),
            "InvalidPermission.NotFound",
            *_RULE_GONE,
        )


class SecurityGroupIngressRule(_Rule):
    """Allowed incoming traffic."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    title = "EC2 Security Group Ingress Rule"
    direction = "ingress"


class SecurityGroupEgressRule(_Rule):
    """Allowed outgoing traffic."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    title = "EC2 Security Group Egress Rule"
    direction = "egress"


def _port(found: int | None, wanted: int | None) -> int | None:
    """The port as the program would give it. AWS returns -1 for "no ports"."""
    return wanted if found in (None, -1) else found


def _permission(inputs: Properties) -> dict[str, Any]:
    """The rule as an `IpPermission`."""
    text = present(Description=inputs.get("description"))
    permission = present(IpProtocol=inputs["ipProtocol"], FromPort=inputs.get("fromPort"), ToPort=inputs.get("toPort"))
    if "cidrIpv4" in inputs:
        permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **text}]
    elif "cidrIpv6" in inputs:
        permission["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"], **text}]
    elif "prefixListId" in inputs:
        permission["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"], **text}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **text}]
    return permission
