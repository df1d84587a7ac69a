"""Dynamic labels of GetMetricData (`${PROP('Dim.InstanceId')}`).

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import fsum
from statistics import fmean

from sandbox.cloud.metrics import Series, UnsupportedError

PLACEHOLDER = re.compile(r"\$\{(?P<name>\w+)(?:\(\s*'(?P<argument>[^']*)'\s*\))?\}")

SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": fmean,
    "FIRST": lambda values: values[0],
    "LAST": lambda values: values[-1],
    "MAX": max,
    "MIN": min,
    "SUM": fsum,
}


def expand(text: str, default: str, properties: Mapping[str, str], values: Series) -> str:
    """The label with its placeholders filled in.

    default: the value of LABEL. properties: the values of PROP (MetricName, Namespace, Stat, Period, Region, AccountId,
    Dim.NAME). Raises UnsupportedError for any other placeholder.
    """

    def fill(found: re.Match[str]) -> str:
        name, argument = found["name"], found["argument"]
        if name == "LABEL":
            return default
        if name == "PROP" and argument is not None:
            return properties.get(argument, "")
        numbers = list(values.values())
        if name in SUMMARIES and argument is None:
            return f"{SUMMARIES[name](numbers):g}" if numbers else "--"
        raise UnsupportedError(f"The local AWS does not support {found[0]} in a label.")

    return PLACEHOLDER.sub(fill, text)
