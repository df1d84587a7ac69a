"""Every dashboard this project builds, the one of the custom metrics with an example of each kind of metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import dashboards
from dashboards import custom_metrics
from settings import CustomMetric

METRICS = tuple(
    CustomMetric.model_validate(each)
    for each in (
        {
            "namespace": "AWS/SQS",
            "metric": "ApproximateAgeOfOldestMessage",
            "unit": "s",
            "dimensions": {"QueueName": "in"},
        },
        {
            "namespace": "AWS/ApplicationELB",
            "metric": "TargetResponseTime",
            "statistic": "p99",
            "unit": "s",
            "period": "1m",
            "region": "us-east-1",
            "dimensions": {"LoadBalancer": "*", "TargetGroup": ["targetgroup/a/1", "targetgroup/b/2"]},
        },
        {
            "namespace": "AWS/SQS",
            "metric": "NumberOfMessagesSent",
            "statistic": "Sum",
            "dimensions": {"QueueName": "in"},
        },
        {"namespace": "Shop", "metric": "Orders", "title": "Orders", "statistic": "Sum", "unit": "suffix:orders"},
    )
)


@dataclass(frozen=True)
class Sample:
    """A dashboard's identity, and how it is built; `build` takes the other keywords of the module's."""

    UID: str
    TITLE: str
    build: Callable[..., str]


CUSTOM = Sample(custom_metrics.UID, custom_metrics.TITLE, partial(custom_metrics.build, METRICS))
EVERY = (*(Sample(module.UID, module.TITLE, module.build) for module in dashboards.ALL), CUSTOM)


def by_uid(each: Any) -> str:
    """A test's name for it."""
    return str(each.UID)
