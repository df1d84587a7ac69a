"""People and programs with keys: aws.iam.Policy, Group, User, and what joins them; aws.iam.AccessKey."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import unquote

from sandbox.plugins.aws.resource import (
    TAGGED,
    TAGS,
    AwsResource,
    TaggedResource,
    or_gone,
    present,
    tag_list,
)
from sandbox.plugins.base import BOOLEAN, JSON, TEXT, Input, ListOf, Output, PluginError, Properties, fields

GONE = ("NoSuchEntity",)
NAMED = fields(name=Input(TEXT, auto_name=True, replaces=True))
PATH = fields(path=Input(TEXT, default="/", replaces=True))
_VERSIONS_KEPT = 5
"""AWS keeps no more versions of a policy."""


def document(text: Any) -> str:
    """A policy document as boto3 (decoded) or the local AWS (quoted text) hands it out, as JSON."""
    return unquote(text) if isinstance(text, str) else json.dumps(text)


class Policy(TaggedResource):
    """A managed policy; each change of the document makes a new default version."""

    token = "aws:iam/policy:Policy"
    title = "IAM Policy"
    inputs = fields(
        policy=Input(JSON, required=True), description=Input(TEXT, replaces=True), **NAMED, **PATH, **TAGS
    )
    outputs = fields(attachmentCount=Output(), policyId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        arn = self.client.client("iam").create_policy(
            PolicyName=inputs["name"],
            Path=inputs["path"],
            PolicyDocument=inputs["policy"],
            **present(Description=inputs.get("description"), Tags=self.tag_list(inputs)),
        )["Policy"]["Arn"]
        return arn, self.read(arn, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        answer = or_gone(lambda: iam.get_policy(PolicyArn=id_), *GONE)
        if answer is None:
            return None
        policy = answer["Policy"]
        version = iam.get_policy_version(PolicyArn=id_, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {
            "arn": id_,
            "attachmentCount": policy.get("AttachmentCount", 0),
            "description": policy.get("Description") or None,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policy": document(version["Document"]),
            "policyId": policy["PolicyId"],
            **self.tags_out(iam.list_policy_tags(PolicyArn=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        iam = self.client.client("iam")
        if old.get("policy") != new["policy"]:
            self._make_room(id_)
            iam.create_policy_version(PolicyArn=id_, PolicyDocument=new["policy"], SetAsDefault=True)
        to_set, to_remove = self.changed_tags(old, new)
        if to_remove:
            iam.untag_policy(PolicyArn=id_, TagKeys=to_remove)
        if to_set:
            iam.tag_policy(PolicyArn=id_, Tags=tag_list(to_set))
        return self.read(id_, new) or {}

    def _make_room(self, arn: str) -> None:
        iam = self.client.client("iam")
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= _VERSIONS_KEPT:
            oldest = min(
                (each for each in versions if not each["IsDefaultVersion"]), key=lambda v: v["CreateDate"]
            )
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.client.client("iam")
        versions = or_gone(lambda: iam.list_policy_versions(PolicyArn=id_), *GONE)
        if versions is None:
            return
        for version in versions["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=id_, VersionId=version["VersionId"])
        or_gone(lambda: iam.delete_policy(PolicyArn=id_), *GONE)


class Group(AwsResource):
    """A group of users."""

    token = "aws:iam/group:Group"
    title = "IAM Group"
    inputs = fields(name=Input(TEXT, auto_name=True), path=Input(TEXT, default="/"))
    outputs = fields(arn=Output(), uniqueId=Output())

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.client.client("iam").create_group(GroupName=inputs["name"], Path=inputs["path"])
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        answer = or_gone(lambda: iam.get_group(GroupName=id_), *GONE)
        if answer is None:
            return None
        group = answer["Group"]
        return {
            "arn": group["Arn"],
            "name": group["GroupName"],
            "path": group["Path"],
            "uniqueId": group["GroupId"],
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self.client.client("iam").update_group(
            GroupName=old["name"], NewGroupName=new["name"], NewPath=new["path"]
        )
        return self.read(new["name"], new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.client.client("iam")
        or_gone(lambda: iam.delete_group(GroupName=state["name"]), *GONE)


class GroupPolicyAttachment(AwsResource):
    """That a managed policy applies to a group."""

    token = "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"
    title = "IAM Group Policy Attachment"
    # Both attachments would be the same thing, so that deleting the old one would delete the new one.
    delete_before_replace = True
    inputs = fields(
        group=Input(TEXT, required=True, replaces=True), policyArn=Input(TEXT, required=True, replaces=True)
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.client.client("iam").attach_group_policy(
            GroupName=inputs["group"], PolicyArn=inputs["policyArn"]
        )
        return f"{inputs['group']}-{uuid.uuid4().hex}", {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        # Imports name both, as GROUP/ARN.
        group, arn = (state["group"], state["policyArn"]) if state else id_.split("/", 1)
        answer = or_gone(lambda: iam.list_attached_group_policies(GroupName=group), *GONE)
        attached = [policy["PolicyArn"] for policy in answer["AttachedPolicies"]] if answer else []
        return {"group": group, "policyArn": arn} if arn in attached else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.client.client("iam")
        arguments = {"GroupName": state["group"], "PolicyArn": state["policyArn"]}
        or_gone(lambda: iam.detach_group_policy(**arguments), *GONE)


class User(TaggedResource):
    """A user."""

    token = "aws:iam/user:User"
    title = "IAM User"
    inputs = fields(
        forceDestroy=Input(BOOLEAN, default=False),
        name=Input(TEXT, auto_name=True),
        path=Input(TEXT, default="/"),
        permissionsBoundary=Input(TEXT),
        **TAGS,
    )
    outputs = fields(uniqueId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.client.client("iam").create_user(
            UserName=inputs["name"],
            Path=inputs["path"],
            **present(PermissionsBoundary=inputs.get("permissionsBoundary"), Tags=self.tag_list(inputs)),
        )
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        answer = or_gone(lambda: iam.get_user(UserName=id_), *GONE)
        if answer is None:
            return None
        user = answer["User"]
        return {
            "arn": user["Arn"],
            "name": user["UserName"],
            "path": user["Path"],
            "uniqueId": user["UserId"],
            **self.tags_out(iam.list_user_tags(UserName=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        iam = self.client.client("iam")
        if (old["name"], old["path"]) != (new["name"], new["path"]):
            iam.update_user(UserName=old["name"], NewUserName=new["name"], NewPath=new["path"])
        boundary = new.get("permissionsBoundary")
        if boundary != old.get("permissionsBoundary"):
            if boundary:
                iam.put_user_permissions_boundary(UserName=new["name"], PermissionsBoundary=boundary)
            else:
                iam.delete_user_permissions_boundary(UserName=new["name"])
        to_set, to_remove = self.changed_tags(old, new)
        if to_remove:
            iam.untag_user(UserName=new["name"], TagKeys=to_remove)
        if to_set:
            iam.tag_user(UserName=new["name"], Tags=tag_list(to_set))
        return self.read(new["name"], new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.client.client("iam")
        name = state["name"]
        if state.get("forceDestroy"):
            for key in (or_gone(lambda: iam.list_access_keys(UserName=name), *GONE) or {}).get(
                "AccessKeyMetadata", []
            ):
                iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        or_gone(lambda: iam.delete_user(UserName=name), *GONE)


class UserGroupMembership(AwsResource):
    """The groups a user is in; other memberships of the user's are left alone."""

    token = "aws:iam/userGroupMembership:UserGroupMembership"
    title = "IAM User Group Membership"
    inputs = fields(
        groups=Input(ListOf(TEXT, ordered=False), required=True),
        user=Input(TEXT, required=True, replaces=True),
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._join(inputs["user"], inputs["groups"])
        return f"terraform-{uuid.uuid4().hex}", {}

    def _join(self, user: str, groups: list[str]) -> None:
        for group in groups:
            self.client.client("iam").add_user_to_group(UserName=user, GroupName=group)

    def _leave(self, user: str, groups: list[str]) -> None:
        iam = self.client.client("iam")
        for group in groups:
            arguments = {"UserName": user, "GroupName": group}
            or_gone(lambda arguments=arguments: iam.remove_user_from_group(**arguments), *GONE)

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        user, *imported = id_.split("/")
        if state:
            user, imported = state["user"], state["groups"]
        elif not imported:
            raise PluginError(f'Unexpected format of ID ("{id_}"), expected USER/GROUP1/GROUP2')
        answer = or_gone(lambda: iam.list_groups_for_user(UserName=user), *GONE)
        if answer is None:
            return None
        there = {group["GroupName"] for group in answer["Groups"]}
        return {"user": user, "groups": [group for group in imported if group in there]}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._leave(new["user"], [group for group in old["groups"] if group not in new["groups"]])
        self._join(new["user"], [group for group in new["groups"] if group not in old["groups"]])
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        self._leave(state["user"], state["groups"])


class AccessKey(AwsResource):
    """A user's access key; AWS tells its secret once, when it is made."""

    token = "aws:iam/accessKey:AccessKey"
    title = "IAM Access Key"
    inputs = fields(user=Input(TEXT, required=True, replaces=True), status=Input(TEXT, default="Active"))
    outputs = fields(createDate=Output(), secret=Output(secret=True))

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        iam = self.client.client("iam")
        key = iam.create_access_key(UserName=inputs["user"])["AccessKey"]
        if inputs["status"] != "Active":
            iam.update_access_key(
                UserName=inputs["user"], AccessKeyId=key["AccessKeyId"], Status=inputs["status"]
            )
        return key["AccessKeyId"], {
            "createDate": key["CreateDate"].isoformat(),
            "secret": key["SecretAccessKey"],
        }

    def read(self, id_: str, state: Properties) -> Properties | None:
        iam = self.client.client("iam")
        user = state.get("user")
        if user is None:
            user = iam.get_access_key_last_used(AccessKeyId=id_)["UserName"]
        answer = or_gone(lambda: iam.list_access_keys(UserName=user), *GONE)
        for key in answer["AccessKeyMetadata"] if answer else []:
            if key["AccessKeyId"] == id_:
                return {"user": user, "status": key["Status"], "createDate": key["CreateDate"].isoformat()}
        return None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        iam = self.client.client("iam")
        iam.update_access_key(UserName=new["user"], AccessKeyId=id_, Status=new["status"])
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.client.client("iam")
        or_gone(lambda: iam.delete_access_key(UserName=state["user"], AccessKeyId=id_), *GONE)
