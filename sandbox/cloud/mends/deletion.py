"""Mends of what moto deletes although something still uses it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend


def apply() -> None:
    """Refuse to delete users, groups, policies and security groups that are in use."""
    _users()
    _groups()
    _policies()
    _security_groups()


def _users() -> None:
    """AWS: a user's keys and memberships go first (API_DeleteUser). moto: asks for its policies only."""
    original = IAMBackend.delete_user

    def delete_user(self: Any, user_name: str) -> None:
        if self.get_user(user_name).access_keys:
            raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
        if self.get_groups_for_user(user_name):
            raise DeleteConflictException("Cannot delete entity, must remove users from group first.")
        original(self, user_name)

    IAMBackend.delete_user = delete_user  # type: ignore[method-assign]


def _groups() -> None:
    """AWS: a group has to be empty and without policies (API_DeleteGroup). moto: deletes it as it is."""
    original = IAMBackend.delete_group

    def delete_group(self: Any, group_name: str) -> None:
        group = self.get_group(group_name)
        if group.users:
            raise DeleteConflictException("Cannot delete entity, must remove users from group first.")
        if group.managed_policies:
            raise DeleteConflictException("Cannot delete entity, must detach all policies first.")
        if group.policies:
            raise DeleteConflictException("Cannot delete entity, must delete policies first.")
        original(self, group_name)

    IAMBackend.delete_group = delete_group  # type: ignore[method-assign]


def _policies() -> None:
    """AWS: a policy somebody has cannot be deleted (API_DeletePolicy). moto: deletes it, and they keep it."""
    original = IAMBackend.delete_policy

    def delete_policy(self: Any, policy_arn: str) -> None:
        holders = [*self.users.values(), *self.groups.values(), *self.roles.values()]
        if any(policy_arn in holder.managed_policies for holder in holders):
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        original(self, policy_arn)

    IAMBackend.delete_policy = delete_policy  # type: ignore[method-assign]


def _security_groups() -> None:
    """AWS: a group with members, or named by another group's rules, cannot be deleted (API_DeleteSecurityGroup).

    moto: deletes it. Nor can a VPC's default group be deleted, unless with its VPC (API_DeleteVpc).
    """
    original, delete_vpc = SecurityGroupBackend._delete_security_group, VPCBackend.delete_vpc
    going: set[str] = set()

    def with_its_group(self: Any, vpc_id: str) -> Any:
        going.add(vpc_id)
        try:
            return delete_vpc(self, vpc_id)
        finally:
            going.discard(vpc_id)

    def delete(self: Any, vpc_id: str | None, group_id: str) -> None:
        group = self.get_security_group_from_id(group_id)
        if group is not None and group.name == "default" and group.vpc_id not in going:
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

    SecurityGroupBackend._delete_security_group = delete  # type: ignore[method-assign]
    VPCBackend.delete_vpc = with_its_group  # type: ignore[method-assign]
