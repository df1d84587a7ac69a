"""The dashboard "Linux hosts": all hosts at a glance, then the selected ones in detail.

Data: Telegraf's cpu, mem, swap, disk, diskio, net, system, processes and kernel in InfluxDB.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.linux_map import host_map
from dashboards.linux_overview import overview
from dashboards.linux_resources import memory, processes, processors
from dashboards.linux_silent import reporting
from dashboards.linux_traffic import disks, network
from dashboards.page import host_variable, interval_variable, page, policy_variables, tag_variables
from dashboards.registry import LINUX_HOSTS, Entry


def build(datasource_uid: str = "influxdb", *, further: Sequence[Entry] = (), tags: Sequence[str] = ()) -> str:
    """The dashboard's JSON, for the InfluxDB datasource with this uid, with links to `further` dashboards.

    tags: the agents' tags by which hosts can be chosen and grouped.
    """
    return page(
        LINUX_HOSTS,
        "Every host that reports through Telegraf. Start with the table: click a host, or any"
        " line, to see only that host.",
        [
            *tag_variables(datasource_uid, tags),
            host_variable(datasource_uid, tags=tags),
            interval_variable(),
            *policy_variables(datasource_uid),
        ],
        [
            overview(datasource_uid, tags),
            host_map(datasource_uid, tags),
            reporting(datasource_uid),
            processors(datasource_uid),
            memory(datasource_uid),
            disks(datasource_uid),
            network(datasource_uid),
            processes(datasource_uid),
        ],
        further,
    )
