"""Is monitoring itself healthy? Here, unlike elsewhere, missing data and failing queries are what matters.

"No measurements arrive" has Alerting as its no-data and error states: InfluxDB does not answer, refuses Grafana's
login, or nothing is written to it, and every other rule is blind. The other rules then stay quiet (OK) or unchanged
(KeepLast), so that one cause makes one alert; "Down-sampling is behind" has data even if no host measures.
"""

from __future__ import annotations

from alerts import silence
from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import NOW, above, below, calculated, end_of, influxql, reduced
from dashboards.monitoring_server import SERIES_LIMIT
from dashboards.queries import BY_HOST, select
from settings.values import seconds

MINUTE = "time(1m)"
DATA_VOLUME = "/srv/monitoring"
NO_RUN = 2 * 3600
"""Seconds: down-sampling, which runs every five minutes, notes the hour in which it last finished."""


def build(facts: Facts) -> Group:
    """The group."""
    own = (_write_failures, _series, _set_aside, _data_volume, _down_sampling) if facts.own_influxdb else ()
    rules = (_nothing_arrives, *own, _backup)
    return Group("Monitoring server", facts.interval, tuple(rule(facts) for rule in rules))


def _nothing_arrives(facts: Facts) -> Rule:
    """The server's own measurements reach InfluxDB even if no others do, so they count as little as possible: if there
    are other hosts, it is enough that all of those are silent. If the server is silent, too, there is no data, which
    also fires."""
    others = f"\"host\"::tag != '{facts.server}'"
    return Rule(
        uid="server-no-data",
        title="No measurements arrive",
        steps=(
            silence.reporting(facts, "A", others),
            reduced("sum"),
            silence.remembered(facts, "C", others),
            reduced("sum", "C", "D"),
            calculated("$B < 1 && $D > 1", "E"),
            above(0, "E", "F"),
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
    text = select('last("numSeries")', "influxdb_database", NOW, "\"database\"::tag = 'telegraf'", group=(BY_HOST,))
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
    # The size of each damaged file, which can be 0, while the file exists (userdata/server/probe.sh).
    text = select('last("bytes")', "influxdb_bad_file", NOW, group=(BY_HOST, '"file"'))
    return Rule(
        uid="server-bad-file",
        title="InfluxDB set a damaged file aside",
        steps=(influxql(facts, text, facts.window(300)), reduced("last"), above(-1)),
        pending="0s",
        missing=0,  # resolved when the file is gone
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
    conditions = (f"\"path\"::tag = '{DATA_VOLUME}'", f"\"host\"::tag = '{facts.server}'")
    text = select('last("used_percent")', "disk", NOW, *conditions, group=(BY_HOST, '"path"'))
    limit = facts.thresholds.data_volume
    return Rule(
        uid="server-data-volume",
        title="Data volume nearly full",
        steps=(
            influxql(facts, text, facts.window(300)),
            reduced("last"),
            above(limit, until=end_of(limit)),
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


def _down_sampling(facts: Facts) -> Rule:
    """A run that has done everything records that under the time of the hour (userdata/server/rollup.py). Without such
    a record, whether it stopped or never ran, there is no data."""
    done = select('last("until")', "rollup", NOW)
    return Rule(
        uid="server-rollup",
        title="Down-sampling is behind",
        steps=(influxql(facts, done, NO_RUN), reduced("last"), below(0)),
        pending="10m",
        no_data="Alerting",
        on_error="KeepLast",
        severity="warning",
        summary=f"{facts.server} has not finished down-sampling for over an hour: dashboards of more than 18 hours lack"
        " the newest values",
        look_at="`journalctl -u influxdb-rollup` and `systemctl list-timers influxdb-rollup.timer` on the server."
        " InfluxDB may be too busy: “Query latency”. Once it runs again it fills in what is missing, as long as raw"
        " data is kept.",
        panel=Panel("monitoring-server", "Query latency"),
        labels={"host": facts.server},
    )


def _backup(facts: Facts) -> Rule:
    # Greater than 1 if the backup is too old, or if the last one failed.
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
