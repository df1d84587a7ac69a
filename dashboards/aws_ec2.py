"""The dashboard "AWS EC2": what CloudWatch knows about instances, without an agent on them.

Metrics as in https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    RangeMap,
    ValueMap,
    ValueMappingResult,
)

from dashboards import looks
from dashboards.cloudwatch import REFRESH, Metric, of_instances
from dashboards.cloudwatch_variables import ACCOUNT, EACH_ITS_OWN, account_variable
from dashboards.ec2_panels import counted, drawn, measured
from dashboards.ec2_variables import variables
from dashboards.lists import states
from dashboards.looks import Limits
from dashboards.page import Row, page
from dashboards.registry import AWS_EC2, Entry

CREDITS = Limits(watch=30, act=5)
"""CPU credits: one is a minute of one vCPU at full speed; at zero the instance falls to its baseline."""

BALANCE = Limits(watch=50, act=20)
"""Percent of burst credits left."""


def build(
    datasource_uid: str = "cloudwatch",
    region: str = "eu-central-1",
    influxdb_uid: str = "influxdb",
    *,
    further: Sequence[Entry] = (),
    accounts: bool = False,
) -> str:
    """The dashboard's JSON.

    datasource_uid: the CloudWatch datasource.
    region: the AWS region that is selected at first.
    influxdb_uid: the InfluxDB datasource, for the host names that links to other dashboards keep.
    further: other dashboards of this stack to link to.
    accounts: whether there are CloudWatch datasources of other accounts to choose from, each with its own region.
    """
    own = [account_variable(datasource_uid)] if accounts else []
    if accounts:
        datasource_uid, region = ACCOUNT, EACH_ITS_OWN
    return page(
        AWS_EC2,
        "EC2 instances as CloudWatch sees them from outside: every instance of the region that had data in the time"
        " shown, or those chosen in “Instances”, where only running ones are listed. CloudWatch's basic monitoring has"
        " a point every five minutes, detailed monitoring one every minute.",
        [*own, *variables(datasource_uid, region, influxdb_uid)],
        [
            _health(datasource_uid),
            _network(datasource_uid),
            _volumes(datasource_uid),
            _any_metric(datasource_uid),
        ],
        further,
        refresh=REFRESH,
    )


def _health(uid: str) -> Row:
    return Row(
        "Health and CPU",
        [
            _status_checks(uid),
            measured(
                uid,
                "CPU use",
                "The $statistic per ${period:text}.",
                units.Percent,
                "CPUUtilization",
                limits=looks.CPU,
                full=100,
            ),
            measured(
                uid,
                "CPU credits left",
                "Burstable types (t2, t3, t4g) only: at zero the instance falls to its baseline speed, or"
                " costs extra in unlimited mode.",
                units.Short,
                "CPUCreditBalance",
                limits=CREDITS,
            ),
            drawn(
                "CPU credits spent each ${period:text}",
                "Burstable types only: one credit is one minute of one vCPU at full speed.",
                units.Short,
                of_instances(uid, Metric("CPUCreditUsage", "Sum")),
            ),
            drawn(
                "Failed status checks",
                "System: AWS must repair the underlying machine (a stop and start moves the instance to another one)."
                " Instance: look at its console output. Each is 1 while it fails.",
                units.Short,
                of_instances(
                    uid,
                    Metric("StatusCheckFailed_System", "Maximum", "system"),
                    Metric("StatusCheckFailed_Instance", "Maximum", "instance"),
                ),
                limits=Limits(0.5, 1),
            ),
        ],
    )


def _status_checks(uid: str) -> statetimeline.Panel:
    passed = ValueMap({"0": ValueMappingResult("passed", looks.GOOD, index=0)})
    failed = RangeMap(DashboardRangeMapOptions(0.001, None, ValueMappingResult("failed", looks.BAD, index=1)))
    return states(
        "Status checks",
        "Red: AWS's own check of the instance or of the machine below it failed; the panel “Failed status"
        " checks” shows which. CloudWatch knows instances by ID only: choose a name in “Named”, and “Instances” above"
        " offers the IDs of that name.",
        units.Short,
        of_instances(uid, Metric("StatusCheckFailed", "Maximum")),
        step="1m",
        links=[looks.host_of_instance()],
    ).mappings([passed, failed])


def _network(uid: str) -> Row:
    return Row(
        "Network",
        [
            counted(
                uid,
                "Network traffic",
                "Sent above the line, received below it.",
                units.BytesIEC,
                up=("NetworkOut", "sent"),
                down=("NetworkIn", "received"),
            ),
            counted(
                uid,
                "Packets",
                "Sent above the line, received below it.",
                units.Short,
                up=("NetworkPacketsOut", "sent"),
                down=("NetworkPacketsIn", "received"),
            ),
        ],
    )


def _volumes(uid: str) -> Row:
    return Row(
        "EBS volumes",
        [
            counted(
                uid,
                "Volume traffic",
                "All volumes of an instance combined (Nitro types); written above the line, read below it.",
                units.BytesIEC,
                up=("EBSWriteBytes", "written"),
                down=("EBSReadBytes", "read"),
            ),
            counted(
                uid,
                "Volume requests",
                "All volumes of an instance combined (Nitro types); writes above the line, reads below it.",
                units.Short,
                up=("EBSWriteOps", "writes"),
                down=("EBSReadOps", "reads"),
            ),
            measured(
                uid,
                "Volume traffic burst left",
                "Smaller Nitro types only: how much is left of the traffic above the"
                " instance's baseline. At zero its volumes are throttled.",
                units.Percent,
                "EBSByteBalance%",
                limits=BALANCE,
                full=100,
            ),
            measured(
                uid,
                "Volume requests burst left",
                "Smaller Nitro types only: how much is left of the requests above the"
                " instance's baseline. At zero its volumes are throttled.",
                units.Percent,
                "EBSIOBalance%",
                limits=BALANCE,
                full=100,
            ),
        ],
    )


def _any_metric(uid: str) -> Row:
    return Row(
        "Any metric",
        [
            drawn(
                "$metric",
                "The metric and the statistic chosen above, of each ${period:text}, in the metric's own unit.",
                units.Short,
                of_instances(uid, Metric("$metric")),
                width=24,
            )
        ],
    )
