"""Is monitoring itself healthy? Here, other than elsewhere, no data and a failing query are the message.

"No measurements arrive" is the one rule whose no-data and error states are Alerting: InfluxDB does not
answer, refuses Grafana's login, or nobody writes to it, and every other rule is blind. The others stay quiet
(OK) and as they were (KeepLast) then, so that one cause makes one alert.
"""

from __future__ import annotations

from alerts import silence
from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import NOW, above, calculated, influxql, reduced
from dashboards.monitoring_server import TO_INFLUXDB
from dashboards.queries import BY_HOST, select
from settings.values import seconds

MINUTE = "time(1m)"
DATA_VOLUME = "/srv/monitoring"
SERIES_LIMIT = 200_000
"""Series at which InfluxDB refuses further ones: max-series-per-database in userdata/server/influxdb.conf."""
SOME_ERRORS = 3
"""Failed or overdue inputs in the time looked at: one that a restarting service makes is none."""


def build(facts: Facts) -> Group:
    """The group."""
    own = (_write_failures(facts), _series(facts), _set_aside(facts), _data_volume(facts)) if facts.own_influxdb else ()
    rules = (_nothing_arrives(facts), *own, _gather_errors(facts), _hangs(facts), _buffer(facts), _backup(facts))
    return Group("Monitoring server", facts.interval, rules)


def _nothing_arrives(facts: Facts) -> Rule:
    """The server's own measurements reach InfluxDB also when nobody else's do, so they count as little as possible:
    that every other host is silent is enough where there are some, and one alone has to be silent with the server."""
    others, own = (f"\"host\" {sign} '{facts.server}'" for sign in ("!=", "="))
    return Rule(
        uid="server-no-data",
        title="No measurements arrive",
        steps=(
            silence.reporting(facts, "A", others),
            reduced("sum"),
            silence.remembered(facts, "C", others),
            reduced("sum", "C", "D"),
            silence.reporting(facts, "E", own),
            reduced("sum", "E", "F"),
            calculated("$B < 1 && ($D > 1 || $F < 1)", "G"),
            above(0, "G", "H"),
        ),
        pending="2m",
        no_data="Alerting",
        on_error="Alerting",
        severity="critical",
        summary=f"{facts.server}: InfluxDB does not answer, or nothing is written to it",
        look_at="While this lasts, no other rule has data. On the server: `systemctl status influxdb"
        " telegraf`, `journalctl -u influxdb`, `df /srv/monitoring`. If the server's own measurements"
        " arrive, agents cannot reach its port 8086: security group, certificate, password.",
        panel=Panel("monitoring-server", "Metrics delivered"),
        labels={**silence.CAUSE, "host": facts.server},
    )


def _write_failures(facts: Facts) -> Rule:
    failed = " + ".join(
        f'non_negative_difference(last("{name}"))' for name in ("writeError", "writeDrop", "writeTimeout")
    )
    text = select(failed, "influxdb_write", NOW, group=(MINUTE, BY_HOST))
    return Rule(
        uid="server-write-failures",
        title="InfluxDB fails to write",
        steps=(influxql(facts, text, facts.window(600)), reduced("sum"), above(0)),
        pending="1m",
        no_data="OK",
        on_error="KeepLast",
        severity="critical",
        summary="InfluxDB on {{ $labels.host }} failed to store measurements",
        look_at="`journalctl -u influxdb` on the server shows the reason: disk full, a field that changed"
        " its type, more series than the limit.",
        panel=Panel("monitoring-server", "Refused or failed requests"),
    )


def _series(facts: Facts) -> Rule:
    text = select('last("numSeries")', "influxdb_database", NOW, "\"database\" = 'telegraf'", group=(BY_HOST,))
    return Rule(
        uid="server-series",
        title="Too many series",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(SERIES_LIMIT * 3 // 4)),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary='InfluxDB on {{ $labels.host }} has {{ printf "%.0f" $values.B.Value }} series;'
        f" {SERIES_LIMIT:,} are the limit, beyond which new hosts and disks are refused",
        look_at="Something writes tags with ever-changing values. `SHOW TAG VALUES CARDINALITY` and `SHOW SERIES"
        " CARDINALITY` find the measurement and the host (docs/alerts.md); stop it there, then `DROP SERIES`.",
        panel=Panel("monitoring-server", "Series"),
    )


def _set_aside(facts: Facts) -> Rule:
    # Of each damaged file, as long as it lies there (userdata/server/probe.sh): its size, which may be nothing.
    text = select('last("bytes")', "influxdb_bad_file", NOW, group=(BY_HOST, '"file"'))
    return Rule(
        uid="server-bad-file",
        title="InfluxDB set a damaged file aside",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(-1)),
        pending="0s",
        missing=0,  # it is over when the file is no longer there
        no_data="OK",
        on_error="KeepLast",
        severity="critical",
        summary="InfluxDB on {{ $labels.host }} set a damaged file aside; its contents are lost: {{ $labels.file }}",
        look_at="The file is below /var/lib/influxdb there; the measurements of its days may be in a backup"
        " (docs/backups.md). `dmesg -T` shows whether the disk is failing. Once that is dealt with, delete the"
        " file: that ends this alert.",
        panel=Panel("monitoring-server", "Size on disk"),
    )


def _data_volume(facts: Facts) -> Rule:
    conditions = (f"\"path\" = '{DATA_VOLUME}'", f"\"host\" = '{facts.server}'")
    text = select('last("used_percent")', "disk", NOW, *conditions, group=(BY_HOST, '"path"'))
    limit = facts.thresholds.data_volume
    return Rule(
        uid="server-data-volume",
        title="Data volume nearly full",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(limit, until=limit - min(5, limit / 10)),
        ),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="critical",
        summary='The data volume of {{ $labels.host }} is {{ printf "%.0f" $values.B.Value }} % full',
        look_at="InfluxDB needs space to compact, so act before it is full: raise `dataVolumeSize`, or lower"
        " `retention`. “Series” shows whether one source writes too much.",
        panel=Panel("monitoring-server", "Size on disk"),
    )


def _gather_errors(facts: Facts) -> Rule:
    text = select('non_negative_difference(last("gather_errors"))', "internal_agent", NOW, group=(MINUTE, BY_HOST))
    return Rule(
        uid="agent-errors",
        title="Telegraf input fails",
        steps=(influxql(facts, text, _enough(facts)), reduced("sum"), above(SOME_ERRORS)),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary='Telegraf on {{ $labels.host }} failed {{ printf "%.0f" $values.B.Value }} times to collect an input',
        look_at="`journalctl -u telegraf` on the host names the input: a service that is down, or a permission"
        " that Telegraf lacks. Other inputs carry on.",
        panel=Panel("monitoring-server", "Errors"),
    )


def _hangs(facts: Facts) -> Rule:
    """An input that does not come back counts a timeout an interval, and never an error: Telegraf waits for it for
    ever, and the others go on (gatherOnce in its agent/agent.go)."""
    timeouts = 'non_negative_difference(last("gather_timeouts"))'
    text = select(timeouts, "internal_gather", NOW, group=(MINUTE, BY_HOST, '"input"'))
    return Rule(
        uid="agent-hangs",
        title="Telegraf's input hangs",
        steps=(influxql(facts, text, _enough(facts)), reduced("sum"), above(SOME_ERRORS)),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary="Telegraf on {{ $labels.host }} is waiting for its input {{ $labels.input }}, which returns nothing,"
        ' or returns too late: {{ printf "%.0f" $values.B.Value }} intervals missed',
        look_at="`journalctl -u telegraf` on the host. `disk` hangs on a network file system whose server is gone"
        " (`df` hangs, too): `umount -l`, then `systemctl restart telegraf`. Or a program or service that it"
        " queries is too slow.",
        panel=Panel("monitoring-server", "Errors"),
    )


def _enough(facts: Facts) -> int:
    """How far back errors are counted, in seconds: so far that some more than SOME_ERRORS intervals lie within."""
    return max(900, round((SOME_ERRORS + 3) * seconds(facts.collection_interval)))


def _buffer(facts: Facts) -> Rule:
    share = 'last("buffer_size") / last("buffer_limit") * 100'
    text = select(share, "internal_write", NOW, TO_INFLUXDB, group=(BY_HOST,))
    limit = facts.thresholds.agent_buffer
    return Rule(
        uid="agent-buffer",
        title="Telegraf's buffer fills up",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(limit, until=limit - min(5, limit / 10)),
        ),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="warning",
        summary="Telegraf on {{ $labels.host }} cannot deliver fast enough: its"
        ' buffer is {{ printf "%.0f" $values.B.Value }} % full',
        look_at="A full buffer drops the oldest values. `journalctl -u telegraf` on the host: InfluxDB is"
        " slow, or refuses some measurements.",
        panel=Panel("monitoring-server", "Buffer in use"),
    )


def _backup(facts: Facts) -> Rule:
    # More than one when it is too old, and when the last one failed.
    limit = round(seconds(facts.thresholds.backup_age))
    text = select(f'last("age") / {limit}.0 + last("failed")', "backup", NOW, group=(BY_HOST,))
    return Rule(
        uid="server-backup",
        title="Backup failed or too old",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(1)),
        pending="5m",
        no_data="OK",
        on_error="KeepLast",
        severity="critical",
        summary="{{ $labels.host }} has no recent backup: the last one failed, or it is older than"
        f" {facts.thresholds.backup_age}",
        look_at="`journalctl -u monitoring-backup` on the server shows why: no space on the data volume, or S3"
        " refuses. To try again, raise the setting `backups.now` by one.",
        panel=Panel("monitoring-server", "Backup age"),
    )
