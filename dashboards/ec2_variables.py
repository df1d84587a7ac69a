"""The variables of "AWS EC2": region, a tag to filter by, instances by name, and what to show of them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption

from dashboards.cloudwatch import EC2, VariableQuery
from dashboards.cloudwatch_variables import asked, listed, period_variable, region_variable
from dashboards.page import host_variable

ANY = "*"
"""In a metric's dimension: otherwise Grafana would list all ids, of which CloudWatch accepts 77 (cloudwatch.py)."""
RUNNING = {"instance-state-name": ["running"]}
STATISTICS = ("Average", "Maximum", "Minimum")


def variables(uid: str, region: str, influxdb_uid: str) -> list[Builder[VariableModel]]:
    """All variables; each depends only on those before it."""
    return [
        region_variable(uid, region),
        _typed("tag", "Tag", "Name", "The tag by which the next two lists are filtered"),
        _typed("tagvalue", "is", "*", "The tag's value; * stands for any text, ? for any character"),
        _several(
            asked(
                uid,
                "name",
                "Named",
                VariableQuery(
                    "ec2InstanceAttributes",
                    attribute="Tags.Name",
                    filters={"tag:$tag": ["$tagvalue"], **RUNNING},
                ),
            ).description("Limits the list “Instances” to those with the chosen Name tags: CloudWatch knows only ids")
        ),
        _several(
            asked(
                uid,
                "instance",
                "Instances",
                VariableQuery(
                    "ec2InstanceAttributes",
                    attribute="InstanceId",
                    # If the tag is Name, both filters are one: Grafana keeps the later and narrower one.
                    filters={"tag:$tag": ["$tagvalue"], "tag:Name": ["$name"], **RUNNING},
                ),
            )
            .all_value(ANY)
            .description(
                "What the panels show, by id, as the legends do. All: every instance of the region that had data in the"
                " time shown, whatever the lists before it are filtered by"
            )
        ),
        asked(uid, "metric", "Metric", VariableQuery("metrics", namespace=EC2))
        .description("The metric in the last panel")
        .current(VariableOption(True, "CPUUtilization", "CPUUtilization")),
        listed("statistic", "Statistic", {name: name for name in STATISTICS}),
        period_variable(),
        host_variable(influxdb_uid, hidden=True),
    ]


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
