"""IAM policies."""

from __future__ import annotations

import json
from collections.abc import Mapping


def document(*statements: Mapping[str, object]) -> str:
    """An IAM policy of these statements, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


READ_CLOUDWATCH = document(
    {
        "Sid": "ReadMetricsAndAlarms",
        "Effect": "Allow",
        "Action": [
            "cloudwatch:DescribeAlarmsForMetric",
            "cloudwatch:DescribeAlarmHistory",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListMetrics",
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:GetMetricData",
        ],
        "Resource": "*",
    },
    {
        "Sid": "ReadInstancesAndRegions",
        "Effect": "Allow",
        "Action": ["ec2:DescribeTags", "ec2:DescribeInstances", "ec2:DescribeRegions"],
        "Resource": "*",
    },
    {"Sid": "ReadTags", "Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"},
)
"""Three statements, reading only. Of these actions only DescribeAlarms and DescribeAlarmHistory know resources
(alarms), and neither returns composite alarms unless it is allowed on all: CloudWatch's API reference says so."""
