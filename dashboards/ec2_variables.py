"""The variables of "AWS EC2": region, a tag to filter by, instances by Name, and what to show of them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.cloudwatch import EC2, VariableQuery, cloudwatch
from dashboards.page import host_variable

RUNNING = {"instance-state-name": ["running"]}
STATISTICS = ("Average", "Maximum", "Minimum")
PERIODS = {"5 minutes": "300", "1 minute": "60", "15 minutes": "900", "1 hour": "3600", "1 day": "86400"}
"""Five minutes first: it is right for basic and detailed monitoring. One minute needs detailed monitoring."""


def variables(uid: str, region: str, influxdb_uid: str) -> list[Builder[VariableModel]]:
    """All of them, in the order in which each depends on those before it."""
    return [
        _asked(uid, "region", "Region", VariableQuery("regions")).current(VariableOption(True, region, region)),
        _typed("tag", "Tag", "Name", "The tag to filter instances by"),
        _typed("tagvalue", "is", "*", "The tag's value; * stands for any text, ? for any character"),
        _several(
            _asked(
                uid,
                "name",
                "Instances",
                VariableQuery(
                    "ec2InstanceAttributes",
                    attribute="Tags.Name",
                    filters={"tag:$tag": ["$tagvalue"], **RUNNING},
                ),
            ).description("Running instances by their Name tag")
        ),
        _several(
            _asked(
                uid,
                "instance",
                "Ids",
                VariableQuery(
                    "ec2InstanceAttributes",
                    attribute="InstanceId",
                    # With Name as the tag both filters are one: Grafana keeps the later, the narrower.
                    filters={"tag:$tag": ["$tagvalue"], "tag:Name": ["$name"], **RUNNING},
                ),
            ).description(
                "The ids of the chosen instances, which the legends say: CloudWatch stores metrics under"
                " ids and knows no names. Several instances may share a name"
            )
        ),
        _asked(uid, "metric", "Metric", VariableQuery("metrics", namespace=EC2))
        .description("What the last panel shows")
        .current(VariableOption(True, "CPUUtilization", "CPUUtilization")),
        _listed("statistic", "Statistic", {name: name for name in STATISTICS}),
        _listed("period", "Period", PERIODS),
        host_variable(influxdb_uid, hidden=True),
    ]


def _asked(uid: str, name: str, label: str, query: VariableQuery) -> builders.QueryVariable:
    """A variable whose values CloudWatch or EC2 knows."""
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(cloudwatch(uid))
        .query(query.as_query())
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def _several(variable: builders.QueryVariable) -> builders.QueryVariable:
    return variable.multi(True).include_all(True).current(VariableOption(True, ["All"], ["$__all"]))


def _typed(name: str, label: str, default: str, description: str) -> builders.TextBoxVariable:
    chosen = VariableOption(True, default, default)
    return (
        builders.TextBoxVariable(name)
        .label(label)
        .description(description)
        .default_value(default)
        .current(chosen)
        .options([chosen])
    )


def _listed(name: str, label: str, values: dict[str, str]) -> builders.CustomVariable:
    """A variable with fixed values (text -> value), the first one chosen."""
    first = next(iter(values))
    return (
        builders.CustomVariable(name)
        .label(label)
        .values(", ".join(text if text == value else f"{text} : {value}" for text, value in values.items()))
        .current(VariableOption(True, first, values[first]))
        .options([VariableOption(text == first, text, value) for text, value in values.items()])
    )
