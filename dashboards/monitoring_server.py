"""The dashboard "Monitoring server": is monitoring itself healthy?

Data: Telegraf's `internal` from every host that has it (the server does); from the server also `influxdb`, `x509_cert`
and `backup` (userdata/server/backup.sh).
"""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.models import units

from dashboards import server_backups, server_certificate, server_moving
from dashboards.linux_lines import lines_by_host
from dashboards.looks import Limits
from dashboards.page import Row, host_variable, interval_variable, page, policy_variables, tag_variables
from dashboards.panels import number
from dashboards.queries import BY_HOST, PEAK, SHOWN, InfluxQuery, by_host, influx, per_second, rate_by_host, select
from dashboards.registry import MONITORING_SERVER, Entry

TO_INFLUXDB = "\"output\"::tag = 'influxdb'"
"""Telegraf's output, not its inputs, which are in the same measurement."""
OUR_DATABASE = "\"database\"::tag = 'telegraf'"
CERTIFICATE = Limits(watch=30 * 86400, act=7 * 86400)
"""Seconds until the certificate is no longer valid: `pulumi up` renews it in its last month."""
BUFFER = Limits(20, 80)
"""Percent of an agent's buffer in use; at 100 it drops the oldest values."""
SERIES_LIMIT = 200_000
"""InfluxDB refuses more series than this: max-series-per-database in userdata/server/influxdb.conf."""
ERRORS = Limits(0.01, 1)
"""Errors per second: one in a hundred seconds is worth a look."""


def build(
    datasource_uid: str = "influxdb",
    *,
    own_influxdb: bool = True,
    moving: bool = False,
    public_certificate: bool = False,
    further: Sequence[Entry] = (),
    tags: Sequence[str] = (),
) -> str:
    """The dashboard's JSON, for the InfluxDB datasource with this uid.

    own_influxdb: whether the InfluxDB shown is the server's own; otherwise only the agents are shown. moving: whether
    the stack moves to another one, or back. public_certificate: whether the server gets one. further: other dashboards
    of this stack to link to. tags: the agents' tags by which hosts can be chosen.
    """
    rows = [_agents(datasource_uid), server_backups.row(datasource_uid)]
    if public_certificate:
        rows.append(server_certificate.row(datasource_uid))
    if own_influxdb:
        rows = [_at_a_glance(datasource_uid), _database(datasource_uid), *rows]
    if moving:
        rows = [server_moving.row(datasource_uid), *rows]
    return page(
        MONITORING_SERVER,
        "Is monitoring itself healthy: does InfluxDB keep up, can the agents deliver what they measure,"
        " is the certificate still valid?",
        [
            *tag_variables(datasource_uid, tags),
            host_variable(datasource_uid, tags=tags),
            interval_variable(),
            *policy_variables(datasource_uid),
        ],
        rows,
        further,
    )


def _at_a_glance(uid: str) -> Row:
    def newest(value: str, measurement: str, where: str = "") -> InfluxQuery:
        return InfluxQuery(select(value, measurement, SHOWN, where))

    # InfluxDB reports the size of each shard: the newest ones are added up.
    shards = select('last("diskBytes") AS "bytes"', "influxdb_shard", SHOWN, OUR_DATABASE, group=(BY_HOST, '"id"'))
    disk = InfluxQuery(select('sum("bytes")', shards, "$timeFilter"))
    return Row(
        "At a glance",
        [
            number(
                "Certificate expires in",
                "Until the server's certificate expires. `pulumi up` renews it in its last month.",
                units.Seconds,
                influx(uid, newest('min("expiry")', "x509_cert", '"verification"::tag =~ /./')),
                limits=CERTIFICATE,
                width=6,
                decimals=1,
            ),
            number(
                "Series",
                "Distinct series in the database: hosts × measurements × tag values."
                f" From {SERIES_LIMIT:,} on InfluxDB refuses new ones.",
                units.Short,
                influx(uid, newest('last("numSeries")', "influxdb_database", OUR_DATABASE)),
                limits=Limits(SERIES_LIMIT * 3 // 4, SERIES_LIMIT),
                width=6,
                decimals=None,
            ),
            number(
                "Size on disk",
                "All shards of the database combined.",
                units.BytesIEC,
                influx(uid, disk),
                width=6,
                decimals=1,
            ),
            number(
                "InfluxDB's uptime",
                "Since its last start. If much shorter than the host's uptime, it was restarted or it crashed.",
                units.Seconds,
                influx(uid, newest('last("uptime")', "influxdb_system")),
                width=6,
                decimals=1,
            ),
        ],
    )


def _database(uid: str) -> Row:
    per_query = f"{per_second('queryDurationNs')} / {per_second('queriesExecuted')} / 1000000"
    refused = ("clientError", "serverError", "authFail", "pointsWrittenDropped")
    return Row(
        "InfluxDB",
        [
            lines_by_host(
                uid,
                "Points written",
                "Values stored, all hosts combined.",
                units.OpsPerSecond,
                rate_by_host(("pointReq",), "influxdb_write"),
            ),
            lines_by_host(
                uid,
                "Refused or failed requests",
                "Requests answered with an error, logins refused, and points dropped. A refused login is"
                " often an agent with an old password.",
                units.OpsPerSecond,
                rate_by_host(refused, "influxdb_httpd"),
                limits=ERRORS,
            ),
            lines_by_host(
                uid,
                "Query latency",
                "On average. Dashboards feel slow above about a second.",
                units.Milliseconds,
                by_host(per_query, "influxdb_queryExecutor"),
                limits=Limits(1000, 5000),
            ),
            lines_by_host(
                uid,
                "Queries",
                "Queries run by dashboards and alert rules.",
                units.OpsPerSecond,
                rate_by_host(("queriesExecuted",), "influxdb_queryExecutor"),
            ),
            lines_by_host(
                uid,
                "InfluxDB's memory",
                "Memory obtained from the system.",
                units.BytesIEC,
                by_host('mean("sys")', "influxdb_memstats"),
            ),
            lines_by_host(
                uid,
                "Series over time",
                "A steep climb is a tag whose values never repeat: an ID, a time, a container name.",
                units.Short,
                by_host('mean("numSeries")', "influxdb_database", where=OUR_DATABASE),
            ),
        ],
    )


def _agents(uid: str) -> Row:
    return Row(
        "Telegraf",
        [
            lines_by_host(
                uid,
                "Metrics delivered",
                "What each agent delivers to InfluxDB.",
                units.OpsPerSecond,
                rate_by_host(("metrics_written",), "internal_write", where=TO_INFLUXDB),
            ),
            lines_by_host(
                uid,
                "Buffer in use",
                "What waits in the agent because InfluxDB does not accept it. It drains by"
                " itself when InfluxDB is back; a full buffer drops the oldest values.",
                units.Percent,
                by_host('mean("buffer_size") / mean("buffer_limit") * 100', "internal_write", where=TO_INFLUXDB),
                limits=BUFFER,
                full=100,
            ),
            lines_by_host(
                uid,
                "Errors",
                "Failed inputs and failed writes. `journalctl -u telegraf` on the host shows why.",
                units.OpsPerSecond,
                rate_by_host(("gather_errors",), "internal_agent", alias="$tag_host inputs"),
                rate_by_host(("errors",), "internal_write", where=TO_INFLUXDB, alias="$tag_host writes"),
                limits=ERRORS,
            ),
            lines_by_host(
                uid,
                "Metrics lost",
                "Dropped because the buffer was full, or rejected by InfluxDB.",
                units.OpsPerSecond,
                rate_by_host(("metrics_dropped", "metrics_rejected"), "internal_agent"),
                limits=ERRORS,
            ),
            lines_by_host(
                uid,
                "Slowest input",
                "How long an agent's slowest input takes per collection; it must stay below the interval.",
                units.Milliseconds,
                by_host(f'max("gather_time_ns{PEAK}") / 1000000', "internal_gather"),
                limits=Limits(1000, 10_000),
            ),
            lines_by_host(
                uid,
                "Write latency",
                "From an agent's request until InfluxDB answers.",
                units.Milliseconds,
                by_host('mean("write_time_ns") / 1000000', "internal_write", where=TO_INFLUXDB),
                limits=Limits(500, 5000),
            ),
        ],
    )
