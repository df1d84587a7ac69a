"""Alarms: aws.cloudwatch.MetricAlarm, as in terraform-provider-aws, internal/service/cloudwatch/metric_alarm.go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, TaggedResource, or_gone, present, tag_list
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Failure,
    Input,
    ListOf,
    MapOf,
    PluginError,
    Properties,
    fields,
)

_ACTIONS = ListOf(TEXT, ordered=False)
_MAX_ACTIONS = 5
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


class MetricAlarm(TaggedResource):
    """An alarm on one metric. Its name is its id. An existing alarm of that name is not overwritten, but an error."""

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
            if len(given or []) > _MAX_ACTIONS:
                yield Failure(name, f"attribute supports {_MAX_ACTIONS} item maximum")
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
        client = self.api("cloudwatch", new)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: client.tag_resource(ResourceARN=old["arn"], Tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(ResourceARN=old["arn"], TagKeys=keys),
        )
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
