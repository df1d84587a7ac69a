"""Rules about alarms and topics."""

from __future__ import annotations

import json
from typing import Any

from tests.components.conftest import statements
from tests.components.hardening.rule import each, listed, made, program, rule


def _public(inputs: dict[str, Any]) -> bool:
    """Whether the policy allows everyone something."""
    return any(
        "*" in (statement["Principal"] if statement.get("Principal") == "*" else listed_principals(statement))
        and not statement.get("Condition")
        for statement in statements(inputs["policy"])
        if statement["Effect"] == "Allow"
    )


def listed_principals(statement: dict[str, Any]) -> list[str]:
    """The principals of any kind that a statement names."""
    return [name for names in statement.get("Principal", {}).values() for name in listed(names)]


OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:*", "Resource": "*"}],
}
RULES = [
    rule(
        "CKV_AWS_26 sns_topics_kms_encryption_at_rest_enabled",
        "topics are encrypted",
        each("Topic", lambda inputs: inputs.get("kmsMasterKeyId")),
        program(made("Topic")),
    ),
    rule(
        "CKV_AWS_169 CKV_AWS_385 sns_topics_not_publicly_accessible",
        "no topic is open to everyone",
        each("TopicPolicy", lambda inputs: not _public(inputs)),
        program(made("TopicPolicy", policy=json.dumps(OPEN))),
    ),
    rule(
        "CKV_AWS_319 cloudwatch_alarm_actions_enabled",
        "every alarm has an action",
        each("MetricAlarm", lambda inputs: inputs.get("actionsEnabled") is not False and inputs.get("alarmActions")),
        program(made("MetricAlarm", actionsEnabled=False, alarmActions=["arn:aws:sns:eu-central-1:111122223333:t"])),
    ),
]
