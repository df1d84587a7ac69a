"""Users: aws.iam.User, UserGroupMembership, AccessKey."""

from __future__ import annotations

import uuid
from functools import partial

from sandbox.plugins.aws.iam_policy import GONE
from sandbox.plugins.aws.resource import TAGGED, TAGS, AwsResource, TaggedResource, or_gone, present, tag_list
from sandbox.plugins.base import BOOLEAN, TEXT, Input, ListOf, Output, PluginError, Properties, fields


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
        self.iam.create_user(
            UserName=inputs["name"],
            Path=inputs["path"],
            **present(PermissionsBoundary=inputs.get("permissionsBoundary"), Tags=self.tag_list(inputs)),
        )
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        answer = or_gone(lambda: self.iam.get_user(UserName=id_), *GONE)
        if answer is None:
            return None
        user = answer["User"]
        return {
            "arn": user["Arn"],
            "name": user["UserName"],
            "path": user["Path"],
            "permissionsBoundary": user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "uniqueId": user["UserId"],
            **self.tags_out(self.iam.list_user_tags(UserName=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if (old["name"], old["path"]) != (new["name"], new["path"]):
            self.iam.update_user(UserName=old["name"], NewUserName=new["name"], NewPath=new["path"])
        boundary = new.get("permissionsBoundary")
        if boundary != old.get("permissionsBoundary"):
            if boundary:
                self.iam.put_user_permissions_boundary(UserName=new["name"], PermissionsBoundary=boundary)
            else:
                self.iam.delete_user_permissions_boundary(UserName=new["name"])
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.iam.tag_user(UserName=new["name"], Tags=tag_list(tags)),
            untag=lambda keys: self.iam.untag_user(UserName=new["name"], TagKeys=keys),
        )
        return self.read(new["name"], new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        name = state["name"]
        if state.get("forceDestroy"):
            for key in (or_gone(lambda: self.iam.list_access_keys(UserName=name), *GONE) or {}).get(
                "AccessKeyMetadata", []
            ):
                self.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        or_gone(lambda: self.iam.delete_user(UserName=name), *GONE)


class UserGroupMembership(AwsResource):
    """Some of the groups that a user is in. The user's other memberships are left alone."""

    token = "aws:iam/userGroupMembership:UserGroupMembership"
    title = "IAM User Group Membership"
    inputs = fields(
        groups=Input(ListOf(TEXT, ordered=False), required=True),
        user=Input(TEXT, required=True, replaces=True),
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._add_to_groups(inputs["user"], inputs["groups"])
        return f"terraform-{uuid.uuid4().hex}", {}

    def _add_to_groups(self, user: str, groups: list[str]) -> None:
        for group in groups:
            self.iam.add_user_to_group(UserName=user, GroupName=group)

    def _remove_from_groups(self, user: str, groups: list[str]) -> None:
        for group in groups:
            or_gone(partial(self.iam.remove_user_from_group, UserName=user, GroupName=group), *GONE)

    def read(self, id_: str, state: Properties) -> Properties | None:
        user, *imported = id_.split("/")
        if state:
            user, imported = state["user"], state["groups"]
        elif not imported:
            raise PluginError(f'Unexpected format of ID ("{id_}"), expected USER/GROUP1/GROUP2')
        answer = or_gone(lambda: self.iam.list_groups_for_user(UserName=user), *GONE)
        if answer is None:
            return None
        joined = {group["GroupName"] for group in answer["Groups"]}
        return {"user": user, "groups": [group for group in imported if group in joined]}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._remove_from_groups(new["user"], [group for group in old["groups"] if group not in new["groups"]])
        self._add_to_groups(new["user"], [group for group in new["groups"] if group not in old["groups"]])
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        self._remove_from_groups(state["user"], state["groups"])


class AccessKey(AwsResource):
    """A user's access key. AWS returns its secret only when it is created."""

    token = "aws:iam/accessKey:AccessKey"
    title = "IAM Access Key"
    inputs = fields(user=Input(TEXT, required=True, replaces=True), status=Input(TEXT, default="Active"))
    outputs = fields(createDate=Output(), secret=Output(secret=True))

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        key = self.iam.create_access_key(UserName=inputs["user"])["AccessKey"]
        if inputs["status"] != "Active":
            self.iam.update_access_key(UserName=inputs["user"], AccessKeyId=key["AccessKeyId"], Status=inputs["status"])
        return key["AccessKeyId"], {
            "createDate": key["CreateDate"].isoformat(),
            "secret": key["SecretAccessKey"],
        }

    def read(self, id_: str, state: Properties) -> Properties | None:
        user = state.get("user")
        if user is None:
            user = self.iam.get_access_key_last_used(AccessKeyId=id_)["UserName"]
        answer = or_gone(lambda: self.iam.list_access_keys(UserName=user), *GONE)
        for key in answer["AccessKeyMetadata"] if answer else []:
            if key["AccessKeyId"] == id_:
                return {"user": user, "status": key["Status"], "createDate": key["CreateDate"].isoformat()}
        return None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self.iam.update_access_key(UserName=new["user"], AccessKeyId=id_, Status=new["status"])
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.iam.delete_access_key(UserName=state["user"], AccessKeyId=id_), *GONE)
