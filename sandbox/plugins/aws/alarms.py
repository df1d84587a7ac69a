"""Alarms and whom they notify: aws.cloudwatch.MetricAlarm, aws.sns.Topic, TopicPolicy, TopicSubscription.

As terraform-provider-aws's internal/service/cloudwatch/metric_alarm.go and internal/service/sns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import explain
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, AwsResource, TaggedResource, or_gone, present, tag_list
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    Output,
    PluginError,
    Properties,
    fields,
)

_ACTIONS = ListOf(TEXT, ordered=False)
_MOST_ACTIONS = 5
_ARN = re.compile(
    r"arn:[a-z-]+:([a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+|automate:[a-z0-9-]+:ec2:(reboot|recover|stop|terminate))"
)
_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_SUBSCRIBED = ("email", "email-json", "https", "http", "sqs", "sms", "lambda", "firehose", "application")


class MetricAlarm(TaggedResource):
    """An alarm on one metric. Its name is its id; a name that is taken is refused instead of written over."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    title = "CloudWatch Metric Alarm"
    inputs = fields(
        actionsEnabled=Input(BOOLEAN, default=True),
        alarmActions=Input(_ACTIONS),
        alarmDescription=Input(TEXT),
        comparisonOperator=Input(TEXT),
        dimensions=Input(MapOf(TEXT)),
        evaluationPeriods=Input(INTEGER),
        insufficientDataActions=Input(_ACTIONS),
        metricName=Input(TEXT),
        name=Input(TEXT, auto_name=True, replaces=True),
        namespace=Input(TEXT),
        okActions=Input(_ACTIONS),
        period=Input(INTEGER),
        statistic=Input(TEXT),
        threshold=Input(NUMBER),
        treatMissingData=Input(TEXT, default="missing"),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(**TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        for name, allowed in (("comparisonOperator", _OPERATORS), ("statistic", _STATISTICS)):
            value = inputs.get(name)
            if isinstance(value, str) and value not in allowed:
                yield Failure(name, f"expected {name} to be one of {list(allowed)}, got {value}")
        for name in ("alarmActions", "okActions", "insufficientDataActions"):
            given = inputs.get(name) if isinstance(inputs.get(name), list) else []
            if len(given or []) > _MOST_ACTIONS:
                yield Failure(name, f"attribute supports {_MOST_ACTIONS} item maximum")
            for arn in given or []:
                if isinstance(arn, str) and not _ARN.fullmatch(arn):
                    yield Failure(name, f"({arn}) is an invalid ARN")
        period = inputs.get("period")
        if isinstance(period, int) and period not in (10, 20, 30) and period % 60:
            yield Failure("period", f"expected period to be 10, 20, 30 or divisible by 60, got {period}")
        for name in ("comparisonOperator", "evaluationPeriods"):
            if name not in inputs:
                yield Failure(name, f"{name} is required for an alarm on a metric")
        if "metricName" in inputs and "statistic" not in inputs:
            yield Failure("statistic", "One of `statistic` or `extended_statistic` must be set for a metric alarm")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        name = inputs["name"]
        if self.read(name, inputs) is not None:
            raise PluginError(f'CloudWatch metric alarm "{name}" already exists')
        self._put(inputs, Tags=self.tag_list(inputs))
        return name, self.read(name, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client = self.api("cloudwatch", state)
        found = client.describe_alarms(AlarmNames=[id_], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not found:
            return None
        (alarm,) = found
        tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        return {
            "actionsEnabled": alarm["ActionsEnabled"],
            "alarmActions": alarm.get("AlarmActions") or None,
            "alarmDescription": alarm.get("AlarmDescription"),
            "arn": alarm["AlarmArn"],
            "comparisonOperator": alarm["ComparisonOperator"],
            "dimensions": {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])},
            "evaluationPeriods": alarm["EvaluationPeriods"],
            "insufficientDataActions": alarm.get("InsufficientDataActions") or state.get("insufficientDataActions"),
            "metricName": alarm.get("MetricName"),
            "name": id_,
            "namespace": alarm.get("Namespace"),
            "okActions": alarm.get("OKActions") or None,
            "period": alarm.get("Period"),
            "region": self.region(state),
            "statistic": alarm.get("Statistic"),
            "threshold": alarm.get("Threshold"),
            "treatMissingData": alarm.get("TreatMissingData") or "missing",
            **self.tags_out(tags, state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._put(new)
        client, (to_set, to_remove) = self.api("cloudwatch", new), self.changed_tags(old, new)
        if to_remove:
            client.untag_resource(ResourceARN=old["arn"], TagKeys=to_remove)
        if to_set:
            client.tag_resource(ResourceARN=old["arn"], Tags=tag_list(to_set))
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("cloudwatch", state)
        or_gone(lambda: client.delete_alarms(AlarmNames=[id_]), "ResourceNotFound", "ResourceNotFoundException")

    def _put(self, inputs: Properties, **more: Any) -> None:
        self.api("cloudwatch", inputs).put_metric_alarm(
            AlarmName=inputs["name"],
            ActionsEnabled=inputs["actionsEnabled"],
            ComparisonOperator=inputs["comparisonOperator"],
            EvaluationPeriods=inputs["evaluationPeriods"],
            **present(
                AlarmActions=inputs.get("alarmActions"),
                AlarmDescription=inputs.get("alarmDescription"),
                Dimensions=[{"Name": k, "Value": v} for k, v in (inputs.get("dimensions") or {}).items()],
                InsufficientDataActions=inputs.get("insufficientDataActions"),
                MetricName=inputs.get("metricName"),
                Namespace=inputs.get("namespace"),
                OKActions=inputs.get("okActions"),
                Period=inputs.get("period"),
                Statistic=inputs.get("statistic"),
                Threshold=inputs.get("threshold"),
                TreatMissingData=inputs["treatMissingData"],
                **more,
            ),
        )


class Topic(TaggedResource):
    """A topic. Its policy is a resource of its own here."""

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
        client, (to_set, to_remove) = self.api("sns", new), self.changed_tags(old, new)
        if to_remove:
            client.untag_resource(ResourceArn=id_, TagKeys=to_remove)
        if to_set:
            client.tag_resource(ResourceArn=id_, Tags=tag_list(to_set))
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("sns", state)
        or_gone(lambda: client.delete_topic(TopicArn=id_), "NotFound")


class TopicPolicy(AwsResource):
    """A topic's policy. Without it the topic has AWS's default one again."""

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
    """Who receives what is published. An address has to confirm; nobody waits for that."""

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
            # SNS forgets it by itself after some days.
            if "pending confirmation" not in explain(error):
                raise
