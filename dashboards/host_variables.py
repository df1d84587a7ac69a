"""The variables of "Linux host", and when it booted."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.page import interval_variable, policy_variables
from dashboards.queries import BY_HOST, SHOWN, influxdb, select

ANY = ".*"
BOOT_STEP = "time(1m)"


def variables(uid: str) -> list[Builder[VariableModel]]:
    """`host`, a single one; `interval`; those that depend on the time shown; and two that only carry a host's instance
    id from "AWS EC2" and to it.

    `instance_id` comes with a link from there, and then only the host with that tag can be chosen. Without the tag, its
    value is "", which `.*` matches, too.
    """
    of_instance = 'SHOW TAG VALUES FROM "system" WITH KEY = "host" WHERE "instance_id"::tag =~ /^$instance_id$/'
    of_host = 'SHOW TAG VALUES FROM "system" WITH KEY = "instance_id" WHERE "host"::tag =~ /^$host$/'
    chosen = VariableOption(True, ANY, ANY)
    return [
        builders.TextBoxVariable("instance_id")
        .default_value(ANY)
        .current(chosen)
        .options([chosen])
        .hide(VariableHide.HIDE_VARIABLE),
        _asked(uid, "host", of_instance).label("Host").description("Hosts that report through Telegraf (tag `host`)"),
        _asked(uid, "ec2", of_host).hide(VariableHide.HIDE_VARIABLE),
        interval_variable(),
        *policy_variables(uid),
    ]


def _asked(uid: str, name: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .datasource(influxdb(uid))
        .query(query)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .current(VariableOption(True, "", ""))  # Grafana chooses the first
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


@dataclass(frozen=True)
class InfluxAnnotation(AnnotationQuery, Builder[AnnotationQuery]):
    """Marks at the times of the points that an InfluxQL query returns.

    The SDK has only annotations from Grafana's own store. The fields are those that Grafana's InfluxDB datasource reads
    (public/app/plugins/datasource/influxdb/datasource.ts, annotationEvents). text: the column that says what happened.
    """

    title: str
    query: str
    text: str
    colour: str
    datasource_uid: str

    def build(self) -> AnnotationQuery:
        """The annotation is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        """The annotation as data of a dashboard's JSON."""
        return {
            "name": self.title,
            "datasource": influxdb(self.datasource_uid),
            "enable": True,
            "iconColor": self.colour,
            "query": self.query,
            "textColumn": self.text,
        }


def boots(uid: str) -> InfluxAnnotation:
    """A mark wherever the uptime decreased."""
    change = select('difference(last("uptime")) AS "change"', "system", SHOWN, group=(BOOT_STEP, BY_HOST))
    query = select('"change" AS "uptime fell by"', change, "$timeFilter", '"change" < 0')
    return InfluxAnnotation("Boots", query, "uptime fell by", "purple", uid)
