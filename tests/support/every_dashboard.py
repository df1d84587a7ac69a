"""Every dashboard that this project builds; that of custom metrics with an example of each kind of metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dashboards.registry import CUSTOM_METRICS, ENTRIES, MONITORING_SERVER, Entry
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
    """A dashboard of the registry and how it is built. `build` takes the remaining keywords of the entry's."""

    entry: Entry
    build: Callable[..., str]


CUSTOM = Sample(CUSTOM_METRICS, partial(CUSTOM_METRICS.build, METRICS))
MOVING = Sample(MONITORING_SERVER, partial(MONITORING_SERVER.build, moving=True))
PUBLIC = Sample(MONITORING_SERVER, partial(MONITORING_SERVER.build, public_certificate=True))
EVERY = (*(Sample(entry, entry.build) for entry in ENTRIES), CUSTOM, MOVING, PUBLIC)


def by_uid(each: Sample | Entry) -> str:
    """The dashboard's name in test IDs."""
    return each.entry.uid if isinstance(each, Sample) else each.uid
