"""What AWS refuses to delete while something still uses it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend

from sandbox.cloud.patches.registry import patch

_vpcs_being_deleted: set[str] = set()


@patch(IAMBackend, "delete_user", source="890e3e12")
def delete_user(original: Any, self: Any, user_name: str) -> None:
    """AWS: a user's keys and memberships must be deleted first (API_DeleteUser). moto: checks policies only."""
    if self.get_user(user_name).access_keys:
        raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
    if self.get_groups_for_user(user_name):
        raise DeleteConflictException("Cannot delete entity, must remove users from group first.")
    original(self, user_name)


@patch(IAMBackend, "delete_group", source="5ad6196e")
def delete_group(original: Any, self: Any, group_name: str) -> None:
    """AWS: a group must be empty and without policies (API_DeleteGroup). moto: deletes any group."""
    group = self.get_group(group_name)
    if group.users:
        raise DeleteConflictException("Cannot delete entity, must remove users from group first.")
    if group.managed_policies:
        raise DeleteConflictException("Cannot delete entity, must detach all policies first.")
    if group.policies:
        raise DeleteConflictException("Cannot delete entity, must delete policies first.")
    original(self, group_name)


@patch(IAMBackend, "delete_policy", source="dff767e9")
def delete_policy(original: Any, self: Any, policy_arn: str) -> None:
    """AWS: an attached policy cannot be deleted (API_DeletePolicy). moto: deletes it; its holders keep it."""
    holders = [*self.users.values(), *self.groups.values(), *self.roles.values()]
    if any(policy_arn in holder.managed_policies for holder in holders):
        raise DeleteConflictException("Cannot delete a policy attached to entities.")
    original(self, policy_arn)


@patch(VPCBackend, "delete_vpc", source="e1bdbc7e")
def delete_vpc(original: Any, self: Any, vpc_id: str) -> Any:
    """AWS: a VPC's default security group can only be deleted with its VPC (API_DeleteVpc). moto: also alone."""
    _vpcs_being_deleted.add(vpc_id)
    try:
        return original(self, vpc_id)
    finally:
        _vpcs_being_deleted.discard(vpc_id)


@patch(SecurityGroupBackend, "_delete_security_group", source="43616e62")
def delete_security_group(original: Any, self: Any, vpc_id: str | None, group_id: str) -> None:
    """AWS: a group that has members or is named by another group's rules cannot be deleted (API_DeleteSecurityGroup).

    moto: deletes it.
    """
    group = self.get_security_group_from_id(group_id)
    if group is not None and group.name == "default" and group.vpc_id not in _vpcs_being_deleted:
        raise EC2ClientError(
            "CannotDelete", f'the specified group: "{group_id}" name: "default" cannot be deleted by a user'
        )
    members = any(group in interface.group_set for interface in self.enis.values())
    others = (each for groups in self.groups.values() for each in groups.values() if each is not group)
    named = any(
        (rule.source_group or {}).get("GroupId") == group_id
        for other in others
        for rule in (*other.ingress_rules, *other.egress_rules)
    )
    if members or named:
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    original(self, vpc_id, group_id)
