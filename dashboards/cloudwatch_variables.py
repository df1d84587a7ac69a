"""The variables that all CloudWatch dashboards have."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from dashboards.cloudwatch import VariableQuery, cloudwatch

PERIODS = {"5 minutes": "300", "1 minute": "60", "15 minutes": "900", "1 hour": "3600", "1 day": "86400"}
"""Five minutes by default: it suits basic and detailed monitoring. One minute needs detailed monitoring."""

ACCOUNT = "${account}"
"""Stands for the uid of the chosen account's datasource."""
EACH_ITS_OWN = "default"
"""Stands for the datasource's own region; Grafana's list of regions begins with it
(public/app/plugins/datasource/cloudwatch/resources/ResourcesAPI.ts, getRegions)."""


def account_variable(uid: str) -> builders.DatasourceVariable:
    """`account`: one of Grafana's CloudWatch datasources, initially this one."""
    return (
        builders.DatasourceVariable("account")
        .label("Account")
        .description("The AWS account, by its CloudWatch datasource; with another one, choose the instances again")
        .type("cloudwatch")
        .current(VariableOption(True, "CloudWatch", uid))
    )


def region_variable(uid: str, region: str) -> builders.QueryVariable:
    """`region`, initially this one."""
    return asked(uid, "region", "Region", VariableQuery("regions")).current(VariableOption(True, region, region))


def period_variable() -> builders.CustomVariable:
    """`period`, in seconds."""
    return listed("period", "Period", PERIODS)


def asked(uid: str, name: str, label: str, query: VariableQuery) -> builders.QueryVariable:
    """A variable with values from CloudWatch or EC2, queried once, when the dashboard is opened."""
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(cloudwatch(uid))
        .query(query.as_query())
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def listed(name: str, label: str, values: dict[str, str]) -> builders.CustomVariable:
    """A variable with fixed values (text -> value), initially the first."""
    first = next(iter(values))
    return (
        builders.CustomVariable(name)
        .label(label)
        .values(", ".join(text if text == value else f"{text} : {value}" for text, value in values.items()))
        .current(VariableOption(True, first, values[first]))
        .options([VariableOption(text == first, text, value) for text, value in values.items()])
    )
