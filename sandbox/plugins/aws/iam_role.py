"""Roles: aws.iam.Role, aws.iam.RolePolicy, aws.iam.InstanceProfile."""

from __future__ import annotations

from sandbox.plugins.aws.iam_policy import GONE, NAMED, PATH, document
from sandbox.plugins.aws.resource import (
    TAGGED,
    TAGS,
    AwsResource,
    TaggedResource,
    or_gone,
    present,
    tag_list,
)
from sandbox.plugins.base import BOOLEAN, INTEGER, JSON, TEXT, Input, Output, Properties, fields


class Role(TaggedResource):
    """A role, without its inline and managed policies, which are separate resources."""

    token = "aws:iam/role:Role"
    title = "IAM Role"
    inputs = fields(
        assumeRolePolicy=Input(JSON, required=True),
        description=Input(TEXT),
        forceDetachPolicies=Input(BOOLEAN, default=False),
        maxSessionDuration=Input(INTEGER, default=3600),
        permissionsBoundary=Input(TEXT),
        **NAMED,
        **PATH,
        **TAGS,
    )
    outputs = fields(createDate=Output(), uniqueId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.iam.create_role(
            RoleName=inputs["name"],
            Path=inputs["path"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            MaxSessionDuration=inputs["maxSessionDuration"],
            **present(
                Description=inputs.get("description"),
                PermissionsBoundary=inputs.get("permissionsBoundary"),
                Tags=self.tag_list(inputs),
            ),
        )
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        answer = or_gone(lambda: self.iam.get_role(RoleName=id_), *GONE)
        if answer is None:
            return None
        role = answer["Role"]
        return {
            "arn": role["Arn"],
            "assumeRolePolicy": document(role["AssumeRolePolicyDocument"]),
            "createDate": role["CreateDate"].isoformat(),
            "description": role.get("Description") or None,
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "name": role["RoleName"],
            "path": role["Path"],
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "uniqueId": role["RoleId"],
            **self.tags_out(self.iam.list_role_tags(RoleName=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if old["assumeRolePolicy"] != new["assumeRolePolicy"]:
            self.iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
        names = ("description", "maxSessionDuration")
        if any(old.get(name) != new.get(name) for name in names):
            self.iam.update_role(
                RoleName=id_,
                Description=new.get("description", ""),
                MaxSessionDuration=new["maxSessionDuration"],
            )
        boundary = new.get("permissionsBoundary")
        if boundary != old.get("permissionsBoundary"):
            if boundary:
                self.iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=boundary)
            else:
                self.iam.delete_role_permissions_boundary(RoleName=id_)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.iam.tag_role(RoleName=id_, Tags=tag_list(tags)),
            untag=lambda keys: self.iam.untag_role(RoleName=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        profiles = or_gone(lambda: self.iam.list_instance_profiles_for_role(RoleName=id_), *GONE)
        if profiles is None:
            return
        for profile in profiles["InstanceProfiles"]:
            self.iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=id_)
        if state.get("forceDetachPolicies"):
            for policy in self.iam.list_role_policies(RoleName=id_)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=id_, PolicyName=policy)
            for attached in self.iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]:
                self.iam.detach_role_policy(RoleName=id_, PolicyArn=attached["PolicyArn"])
        or_gone(lambda: self.iam.delete_role(RoleName=id_), *GONE)


class RolePolicy(AwsResource):
    """An inline policy of a role. Its id is ROLE:NAME."""

    token = "aws:iam/rolePolicy:RolePolicy"
    title = "IAM Role Policy"
    inputs = fields(policy=Input(JSON, required=True), role=Input(TEXT, required=True, replaces=True), **NAMED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._put(inputs)
        return f"{inputs['role']}:{inputs['name']}", {}

    def _put(self, inputs: Properties) -> None:
        self.iam.put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])

    def read(self, id_: str, state: Properties) -> Properties | None:
        role, name = id_.split(":", 1)
        answer = or_gone(lambda: self.iam.get_role_policy(RoleName=role, PolicyName=name), *GONE)
        if answer is None:
            return None
        return {"role": role, "name": name, "policy": document(answer["PolicyDocument"])}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._put(new)
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        role, name = id_.split(":", 1)
        or_gone(lambda: self.iam.delete_role_policy(RoleName=role, PolicyName=name), *GONE)


class InstanceProfile(TaggedResource):
    """An instance profile, which passes a role to an instance."""

    token = "aws:iam/instanceProfile:InstanceProfile"
    title = "IAM Instance Profile"
    inputs = fields(role=Input(TEXT), **NAMED, **PATH, **TAGS)
    outputs = fields(createDate=Output(), uniqueId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.iam.create_instance_profile(
            InstanceProfileName=inputs["name"],
            Path=inputs["path"],
            **present(Tags=self.tag_list(inputs)),
        )
        if inputs.get("role"):
            self.iam.add_role_to_instance_profile(InstanceProfileName=inputs["name"], RoleName=inputs["role"])
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        answer = or_gone(lambda: self.iam.get_instance_profile(InstanceProfileName=id_), *GONE)
        if answer is None:
            return None
        profile = answer["InstanceProfile"]
        roles = [role["RoleName"] for role in profile["Roles"]]
        return {
            "arn": profile["Arn"],
            "createDate": profile["CreateDate"].isoformat(),
            "name": profile["InstanceProfileName"],
            "path": profile["Path"],
            "role": roles[0] if roles else None,
            "uniqueId": profile["InstanceProfileId"],
            **self.tags_out(profile.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if old.get("role") != new.get("role"):
            if old.get("role"):
                self.iam.remove_role_from_instance_profile(InstanceProfileName=id_, RoleName=old["role"])
            if new.get("role"):
                self.iam.add_role_to_instance_profile(InstanceProfileName=id_, RoleName=new["role"])
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.iam.tag_instance_profile(InstanceProfileName=id_, Tags=tag_list(tags)),
            untag=lambda keys: self.iam.untag_instance_profile(InstanceProfileName=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        answer = or_gone(lambda: self.iam.get_instance_profile(InstanceProfileName=id_), *GONE)
        if answer is None:
            return
        for role in answer["InstanceProfile"]["Roles"]:
            self.iam.remove_role_from_instance_profile(InstanceProfileName=id_, RoleName=role["RoleName"])
        or_gone(lambda: self.iam.delete_instance_profile(InstanceProfileName=id_), *GONE)
