"""CloudWatch's alarms and SNS's topics as resources of IAM policies.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html, list_amazonsns.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.cloud import ACCOUNT
from sandbox.cloud.permission import Permission


def of_cloudwatch(response: Any, action: str) -> Iterator[Permission]:
    """The permissions for alarms, by name or ARN. Metrics, and listing all alarms, have no resource."""
    names = response._get_param("AlarmNames") if action == "DeleteAlarms" else None
    one = response._get_param("AlarmName") if action == "PutMetricAlarm" else None
    arns = [f"arn:aws:cloudwatch:{response.region}:{ACCOUNT}:alarm:{name}" for name in names or filter(None, [one])]
    if action in ("ListTagsForResource", "TagResource", "UntagResource"):
        arns = [response._get_param("ResourceARN")]
    # Tagging a new alarm needs a further action (API_PutMetricAlarm, Tags).
    actions = [action, *(["TagResource"] if action == "PutMetricAlarm" and response._get_param("Tags") else [])]
    for each in actions:
        for arn in arns or ["*"]:
            yield Permission(f"cloudwatch:{each}", str(arn))


def of_sns(response: Any, action: str) -> Iterator[Permission]:
    """The permissions for topics, by name or ARN. Actions on a subscription alone have no resource."""
    arn = response._get_param("TopicArn") or response._get_param("ResourceArn")
    if action == "CreateTopic":
        arn = f"arn:aws:sns:{response.region}:{ACCOUNT}:{response._get_param('Name')}"
    # Tagging a new topic needs a further action (API_CreateTopic, Tags).
    tagged = action == "CreateTopic" and (response._get_param("Tags") or response._get_multi_param("Tags.member"))
    for each in (action, *(["TagResource"] if tagged else [])):
        yield Permission(f"sns:{each}", str(arn or "*"))
