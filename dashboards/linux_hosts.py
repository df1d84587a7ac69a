"""The dashboard "Linux hosts": all hosts at a glance, then what the chosen ones do.

Data: Telegraf's cpu, mem, swap, disk, diskio, net, system, processes and kernel in InfluxDB.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.linux_overview import overview, reporting
from dashboards.linux_resources import memory, processes, processors
from dashboards.linux_traffic import disks, network
from dashboards.page import host_variable, interval_variable, page
from dashboards.registry import LINUX_HOSTS, Entry


def build(datasource_uid: str = "influxdb", *, further: Sequence[Entry] = ()) -> str:
    """The dashboard's JSON, for the InfluxDB datasource with this uid, with links to `further` dashboards."""
    return page(
        LINUX_HOSTS,
        "Every host that reports through Telegraf. Start with the table: click a host, or any"
        " line, to see only that host.",
        [host_variable(datasource_uid), interval_variable()],
        [
            overview(datasource_uid),
            reporting(datasource_uid),
            processors(datasource_uid),
            memory(datasource_uid),
            disks(datasource_uid),
            network(datasource_uid),
            processes(datasource_uid),
        ],
        further,
    )
