"""Dynamic labels: `${PROP('Dim.InstanceId')}`, `${LABEL}`, `${AVG}`, …

CloudWatch expands them itself; the local AWS does not, so the double does.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\$\{\s*(?:PROP\('(?P<property>[^']+)'\)|(?P<word>[A-Z_]+))\s*\}")


@dataclass(frozen=True)
class Facts:
    """What a label can refer to. period: in seconds."""

    namespace: str
    metric: str
    statistic: str
    period: int
    region: str
    dimensions: Mapping[str, str]
    values: Sequence[float]


def expand(label: str, facts: Facts) -> str:
    """The label of a series; if `label` is empty, CloudWatch's default."""
    usual = " ".join(facts.dimensions.values()) or facts.metric
    if not label:
        return usual
    properties = {
        "MetricName": facts.metric,
        "Namespace": facts.namespace,
        "Period": str(facts.period),
        "Region": facts.region,
        "Stat": facts.statistic,
        **{f"Dim.{name}": value for name, value in facts.dimensions.items()},
    }
    words = {"LABEL": usual}
    if facts.values:
        words |= {
            "AVG": f"{sum(facts.values) / len(facts.values):g}",
            "FIRST": f"{facts.values[0]:g}",
            "LAST": f"{facts.values[-1]:g}",
            "MAX": f"{max(facts.values):g}",
            "MIN": f"{min(facts.values):g}",
            "SUM": f"{sum(facts.values):g}",
        }

    def replace(match: re.Match[str]) -> str:
        if match["property"] is not None:
            return properties.get(match["property"], "")
        return words.get(match["word"], match[0])

    return _TOKEN.sub(replace, label)
