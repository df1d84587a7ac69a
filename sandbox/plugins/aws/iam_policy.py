"""Managed policies and groups: aws.iam.Policy, Group, GroupPolicyAttachment, RolePolicyAttachment."""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar
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
from sandbox.plugins.base import JSON, TEXT, Input, Output, Properties, fields

GONE = ("NoSuchEntity",)
NAMED = fields(name=Input(TEXT, auto_name=True, replaces=True))
PATH = fields(path=Input(TEXT, default="/", replaces=True))
_MAX_VERSIONS = 5
"""AWS's limit for the versions of a policy."""


def document(text: Any) -> str:
    """A policy document as JSON. text: as boto3 (decoded) or the local AWS (quoted) returns it."""
    return unquote(text) if isinstance(text, str) else json.dumps(text)


class Policy(TaggedResource):
    """A managed policy. Each change of the document creates a new default version."""

    token = "aws:iam/policy:Policy"
    title = "IAM Policy"
    inputs = fields(policy=Input(JSON, required=True), description=Input(TEXT, replaces=True), **NAMED, **PATH, **TAGS)
    outputs = fields(attachmentCount=Output(), policyId=Output(), **TAGGED)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        arn = self.iam.create_policy(
            PolicyName=inputs["name"],
            Path=inputs["path"],
            PolicyDocument=inputs["policy"],
            **present(Description=inputs.get("description"), Tags=self.tag_list(inputs)),
        )["Policy"]["Arn"]
        return arn, self.read(arn, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        answer = or_gone(lambda: self.iam.get_policy(PolicyArn=id_), *GONE)
        if answer is None:
            return None
        policy = answer["Policy"]
        version = self.iam.get_policy_version(PolicyArn=id_, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {
            "arn": id_,
            "attachmentCount": policy.get("AttachmentCount", 0),
            "description": policy.get("Description") or None,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policy": document(version["Document"]),
            "policyId": policy["PolicyId"],
            **self.tags_out(self.iam.list_policy_tags(PolicyArn=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if old.get("policy") != new["policy"]:
            self._make_room(id_)
            self.iam.create_policy_version(PolicyArn=id_, PolicyDocument=new["policy"], SetAsDefault=True)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.iam.tag_policy(PolicyArn=id_, Tags=tag_list(tags)),
            untag=lambda keys: self.iam.untag_policy(PolicyArn=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def _make_room(self, arn: str) -> None:
        versions = self.iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= _MAX_VERSIONS:
            oldest = min((each for each in versions if not each["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
            self.iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])

    def delete(self, id_: str, state: Properties) -> None:
        versions = or_gone(lambda: self.iam.list_policy_versions(PolicyArn=id_), *GONE)
        if versions is None:
            return
        for version in versions["Versions"]:
            if not version["IsDefaultVersion"]:
                self.iam.delete_policy_version(PolicyArn=id_, VersionId=version["VersionId"])
        or_gone(lambda: self.iam.delete_policy(PolicyArn=id_), *GONE)


class Group(AwsResource):
    """A group of users."""

    token = "aws:iam/group:Group"
    title = "IAM Group"
    inputs = fields(name=Input(TEXT, auto_name=True), path=Input(TEXT, default="/"))
    outputs = fields(arn=Output(), uniqueId=Output())

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.iam.create_group(GroupName=inputs["name"], Path=inputs["path"])
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        answer = or_gone(lambda: self.iam.get_group(GroupName=id_), *GONE)
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
        self.iam.update_group(GroupName=old["name"], NewGroupName=new["name"], NewPath=new["path"])
        return self.read(new["name"], new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.iam.delete_group(GroupName=state["name"]), *GONE)


class _Attachment(AwsResource):
    """The attachment of a managed policy. holder: `group` or `role`."""

    holder: ClassVar[str]
    # Both would be the same attachment, so deleting the old resource would remove the new one's attachment.
    delete_before_replace = True

    def _named(self, state: Properties) -> dict[str, str]:
        """The request's argument for the holder."""
        return {f"{self.holder.capitalize()}Name": state[self.holder]}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        attach = getattr(self.iam, f"attach_{self.holder}_policy")
        attach(**self._named(inputs), PolicyArn=inputs["policyArn"])
        return f"{inputs[self.holder]}-{uuid.uuid4().hex}", {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        # The id for an import names both: GROUP/ARN.
        holder, arn = (state[self.holder], state["policyArn"]) if state else id_.split("/", 1)
        listed = getattr(self.iam, f"list_attached_{self.holder}_policies")
        answer = or_gone(lambda: listed(**self._named({self.holder: holder})), *GONE)
        attached = [policy["PolicyArn"] for policy in answer["AttachedPolicies"]] if answer else []
        return {self.holder: holder, "policyArn": arn} if arn in attached else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        detach = getattr(self.iam, f"detach_{self.holder}_policy")
        or_gone(lambda: detach(**self._named(state), PolicyArn=state["policyArn"]), *GONE)


class GroupPolicyAttachment(_Attachment):
    """The attachment of a managed policy to a group."""

    token = "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"
    title = "IAM Group Policy Attachment"
    holder = "group"
    inputs = fields(
        group=Input(TEXT, required=True, replaces=True), policyArn=Input(TEXT, required=True, replaces=True)
    )


class RolePolicyAttachment(_Attachment):
    """The attachment of a managed policy to a role."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    title = "IAM Role Policy Attachment"
    holder = "role"
    inputs = fields(role=Input(TEXT, required=True, replaces=True), policyArn=Input(TEXT, required=True, replaces=True))
