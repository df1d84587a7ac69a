"""Topics, which alarms notify: aws.sns.Topic, TopicPolicy, TopicSubscription.

As in terraform-provider-aws, internal/service/sns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import explain
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, AwsResource, TaggedResource, or_gone, present, tag_list
from sandbox.plugins.base import (
    JSON,
    TEXT,
    Failure,
    Input,
    Output,
    Properties,
    fields,
)

_SUBSCRIBED = ("email", "email-json", "https", "http", "sqs", "sms", "lambda", "firehose", "application")


class Topic(TaggedResource):
    """A topic. Its policy is a separate resource."""

    token = "aws:sns/topic:Topic"
    title = "SNS Topic"
    inputs = fields(name=Input(TEXT, auto_name=True, replaces=True), **TAGS, **REGIONAL)
    outputs = fields(owner=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        name = inputs.get("name")
        if isinstance(name, str) and not re.fullmatch(r"[0-9A-Za-z_-]{1,256}", name):
            yield Failure("name", f"invalid topic name: {name}")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        made = self.api("sns", inputs).create_topic(Name=inputs["name"], **present(Tags=self.tag_list(inputs)))
        return made["TopicArn"], self.read(made["TopicArn"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client = self.api("sns", state)
        found = or_gone(lambda: client.get_topic_attributes(TopicArn=id_), "NotFound")
        if found is None:
            return None
        return {
            "arn": id_,
            "name": id_.rpartition(":")[2],
            "owner": found["Attributes"].get("Owner"),
            "region": self.region(state),
            **self.tags_out(client.list_tags_for_resource(ResourceArn=id_)["Tags"], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        client = self.api("sns", new)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: client.tag_resource(ResourceArn=id_, Tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(ResourceArn=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("sns", state)
        or_gone(lambda: client.delete_topic(TopicArn=id_), "NotFound")


class TopicPolicy(AwsResource):
    """A topic's policy. Deleting it restores AWS's default one."""

    token = "aws:sns/topicPolicy:TopicPolicy"
    title = "SNS Topic Policy"
    inputs = fields(arn=Input(TEXT, required=True, replaces=True), policy=Input(JSON, required=True), **REGIONAL)
    outputs = fields(owner=Output())

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._put(inputs, inputs["policy"])
        return inputs["arn"], self.read(inputs["arn"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client = self.api("sns", state)
        found = or_gone(lambda: client.get_topic_attributes(TopicArn=id_), "NotFound")
        if found is None:
            return None
        attributes = found["Attributes"]
        return {
            "arn": id_,
            "owner": attributes.get("Owner"),
            "policy": attributes["Policy"],
            "region": self.region(state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._put(new, new["policy"])
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        account = id_.split(":")[4]
        default = {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:SetTopicAttributes"],
                    "Resource": id_,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
                }
            ],
        }
        or_gone(lambda: self._put(state, json.dumps(default)), "NotFound")

    def _put(self, inputs: Properties, policy: str) -> bool:
        client = self.api("sns", inputs)
        client.set_topic_attributes(TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=policy)
        return True


class TopicSubscription(AwsResource):
    """A recipient of what is published. An address must confirm; the provider does not wait for that."""

    token = "aws:sns/topicSubscription:TopicSubscription"
    title = "SNS Topic Subscription"
    inputs = fields(
        endpoint=Input(TEXT, required=True, replaces=True),
        protocol=Input(TEXT, required=True, replaces=True),
        topic=Input(TEXT, required=True, replaces=True),
        **REGIONAL,
    )
    outputs = fields(arn=Output(), ownerId=Output(), pendingConfirmation=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        protocol = inputs.get("protocol")
        if isinstance(protocol, str) and protocol not in _SUBSCRIBED:
            yield Failure("protocol", f"expected protocol to be one of {list(_SUBSCRIBED)}, got {protocol}")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        made = self.api("sns", inputs).subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return made, self.read(made, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client = self.api("sns", state)
        found = or_gone(lambda: client.get_subscription_attributes(SubscriptionArn=id_), "NotFound")
        if found is None:
            return None
        attributes = found["Attributes"]
        return {
            "arn": id_,
            "endpoint": attributes["Endpoint"],
            "ownerId": attributes.get("Owner"),
            "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
            "protocol": attributes["Protocol"],
            "region": self.region(state),
            "topic": attributes["TopicArn"],
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("sns", state)
        try:
            or_gone(lambda: client.unsubscribe(SubscriptionArn=id_), "NotFound")
        except ClientError as error:
            # SNS deletes it after some days.
            if "pending confirmation" not in explain(error):
                raise
