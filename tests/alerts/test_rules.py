"""Each rule on data in a real InfluxDB: it fires for the host in trouble and not for the healthy one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.monitoring_server import SERIES_LIMIT
from sandbox.grafana.double.alerting.states import RuleState
from tests.alerts.conftest import SERVER, Double, body, emptied, points, rule_of
from tests.sandbox.grafana.support import Influx

GIB = 1024**3


@dataclass(frozen=True)
class Case:
    """data: line protocol. fires: the labels of the alert. quiet: the labels of each normal result."""

    uid: str
    data: str
    fires: dict[str, str]
    quiet: list[dict[str, str]] = field(default_factory=list)


def in_order(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """A sort key that does not depend on the labels' order."""
    return sorted(labels.items())


def disk(host: str, path: str, free: float, at: int = 5, *, mode: str = "rw", fstype: str = "ext4") -> str:
    used = 100 - free
    return (
        f"disk,host={host},path={path},fstype={fstype},mode={mode},device=sda1"
        f" total={GIB * 100}i,free={round(free * GIB)}i,used={round(used * GIB)}i,used_percent={used} @{at}"
    )


CASES = [
    Case(
        "host-silent",
        "system,host=dead.example uptime=1i @600\nsystem,host=dead.example uptime=1i @590\n"
        "system,host=well uptime=1i @20",
        {"host": "dead.example"},
        [{"host": "well"}],
    ),
    Case(
        "host-clock",
        "system,host=ahead uptime=1i @-590\nsystem,host=ahead uptime=1i\n"
        "system,host=behind uptime=1i @600\nsystem,host=well uptime=1i @-20\nsystem,host=well uptime=1i",
        {"host": "ahead"},
    ),
    Case(
        "host-cpu",
        "cpu,host=busy,cpu=cpu-total usage_idle=1\ncpu,host=busy,cpu=cpu0 usage_idle=90\n"
        "cpu,host=well,cpu=cpu-total usage_idle=60",
        {"host": "busy"},
        [{"host": "well"}],
    ),
    Case(
        "host-memory",
        "mem,host=full used_percent=97.5\nmem,host=well used_percent=50",
        {"host": "full"},
        [{"host": "well"}],
    ),
    Case(
        "host-disk",
        "\n".join(
            [
                disk("full", "/var", 4),
                disk("full", "/", 50),
                disk("well", "/", 60),
                disk("well", "/run", 0, fstype="tmpfs"),
            ]
        ),
        {"host": "full", "path": "/var"},
        [{"host": "full", "path": "/"}, {"host": "well", "path": "/"}],
    ),
    Case(
        "host-disk-full",
        "\n".join([disk("full", "/var", 1.5), disk("nearly", "/", 2.5), disk("well", "/run", 0, fstype="tmpfs")]),
        {"host": "full", "path": "/var"},
        [{"host": "nearly", "path": "/"}],
    ),
    Case(
        "host-inodes",
        "disk,host=full,path=/var,fstype=ext4,mode=rw inodes_used_percent=97\n"
        "disk,host=full,path=/,fstype=ext4,mode=rw inodes_used_percent=20\n"
        "disk,host=well,path=/run,fstype=tmpfs,mode=rw inodes_used_percent=99",
        {"host": "full", "path": "/var"},
        [{"host": "full", "path": "/"}],
    ),
    Case(
        "host-disk-filling",
        "\n".join(
            [
                disk(host, "/", now + (before - now) * hours / 6, round(hours * 3600) + 5)
                for host, before, now in (
                    ("growing", 40, 20),
                    ("slow", 40, 39),
                    ("steady", 40, 40),
                    ("emptied", 10, 40),
                )
                for hours in (5.9, 3, 0.9, 0)
            ]
        ),
        {"host": "growing", "path": "/"},
        [{"host": host, "path": "/"} for host in ("slow", "steady", "emptied")],
    ),
    Case(
        "host-read-only",
        "\n".join([disk("broken", "/data", 50, mode="ro"), disk("broken", "/", 50), disk("well", "/", 50)]),
        {"host": "broken", "path": "/data"},
        [{"host": "broken", "path": "/"}, {"host": "well", "path": "/"}],
    ),
    Case(
        "host-disk-errors",
        "ext4,host=failing,device=sda1 errors=0 @200\next4,host=failing,device=sda1 errors=3\n"
        "ext4,host=failing,device=dm-0 errors=0\next4,host=well,device=sda1 errors=0\n"
        "ext4,host=repaired,device=sda1 errors=7 @200\next4,host=repaired,device=sda1 errors=0",
        {"host": "failing", "device": "sda1"},
        [
            {"host": "failing", "device": "dm-0"},
            {"host": "repaired", "device": "sda1"},
            {"host": "well", "device": "sda1"},
        ],
    ),
    Case(
        "host-load",
        "system,host=loaded load5=9,n_cpus=2i\nsystem,host=well load5=9,n_cpus=16i",
        {"host": "loaded"},
        [{"host": "well"}],
    ),
    Case(
        "server-write-failures",
        "\n".join(
            f"influxdb_write,host={SERVER} writeError={errors}i,writeDrop=0i,writeTimeout=0i @{at}\n"
            f"influxdb_write,host=well writeError=7i,writeDrop=0i,writeTimeout=0i @{at}"
            for errors, at in ((0, 300), (0, 200), (4, 100), (4, 5))
        ),
        {"host": SERVER},
        [{"host": "well"}],
    ),
    Case(
        "server-series",
        f"influxdb_database,host={SERVER},database=telegraf numSeries={SERIES_LIMIT * 4 // 5}i\n"
        f"influxdb_database,host={SERVER},database=_internal numSeries=999999i\n"
        f"influxdb_database,host=well,database=telegraf numSeries={SERIES_LIMIT // 2}i",
        {"host": SERVER},
        [{"host": "well"}],
    ),
    Case(
        "server-bad-file",
        f"influxdb_bad_file,host={SERVER},file=data/telegraf/autogen/3/000000002-000000002.tsm.bad bytes=0i\n"
        f"influxdb_bad_file,host=cleaned,file=data/telegraf/autogen/1/000000001-000000001.tsm.bad bytes=9i @400",
        {"host": SERVER, "file": "data/telegraf/autogen/3/000000002-000000002.tsm.bad"},
    ),
    Case(
        "server-data-volume",
        "\n".join([disk(SERVER, "/srv/monitoring", 10), disk("other", "/srv/monitoring", 5), disk(SERVER, "/", 1)]),
        {"host": SERVER, "path": "/srv/monitoring"},
    ),
    Case(
        "server-backup",
        f"backup,host={SERVER} failed=0i,age=129700i\nbackup,host=well last_success=1i,failed=0i,age=129500i",
        {"host": SERVER},
        [{"host": "well"}],
    ),
    Case(
        "agent-errors",
        "\n".join(
            f"internal_agent,host=failing gather_errors={errors}i @{at}\n"
            f"internal_agent,host=well gather_errors=2i @{at}"
            for errors, at in ((0, 400), (6, 300), (12, 200), (18, 5))
        ),
        {"host": "failing"},
        [{"host": "well"}],
    ),
    Case(
        "agent-hangs",
        "\n".join(
            f"internal_gather,host=hanging,input=disk gather_timeouts={timeouts}i,errors=0i @{at}\n"
            f"internal_gather,host=hanging,input=exec gather_timeouts=0i,errors=0i @{at}\n"
            f"internal_gather,host=hanging,input=cpu gather_timeouts={timeouts}i,errors=0i @{at}\n"
            f"internal_gather,host=slow-once,input=disk gather_timeouts={min(timeouts, 2)}i,errors=0i @{at}\n"
            f"internal_gather,host=restarted,input=disk gather_timeouts={0 if timeouts else 30}i,errors=0i @{at}"
            for timeouts, at in ((0, 400), (6, 300), (12, 200), (18, 5))
        ),
        {"host": "hanging", "input": "disk"},
        [
            {"host": "hanging", "input": "exec"},
            {"host": "restarted", "input": "disk"},
            {"host": "slow-once", "input": "disk"},
        ],
    ),
    *(
        Case(
            f"host-no-{measurement}",
            "\n".join(
                f"{measurement},host=blind,{tags} {field}=1{suffix} @900\n"
                f"{measurement},host=dead,{tags} {field}=1{suffix} @900\nsystem,host=dead uptime=1i @900\n"
                f"{measurement},host=well,{tags} {field}=1{suffix} @{at}\n"
                f"system,host=blind uptime=1i @{at}\nsystem,host=well uptime=1i @{at}\nsystem,host=new uptime=1i @{at}"
                for at in (1800, 905, 30)
            ),
            {"host": "blind"},
            [{"host": "dead"}, {"host": "well"}],
        )
        for measurement, tags, field, suffix in (
            ("cpu", "cpu=cpu-total", "usage_idle", ""),
            ("mem", "of=all", "used_percent", ""),
            ("disk", "path=/,fstype=ext4", "used_percent", ""),
            ("net", "interface=ens5", "bytes_recv", "i"),
        )
    ),
    Case(
        "agent-buffer",
        "internal_write,host=jammed,output=influxdb buffer_size=80i,buffer_limit=100i\n"
        "internal_write,host=well,output=influxdb buffer_size=1i,buffer_limit=100i",
        {"host": "jammed"},
        [{"host": "well"}],
    ),
    Case(
        "public-certificate-ends",
        f"public_certificate,host=without left=0i\npublic_certificate,host=well left={15 * 86400}i",
        {"host": "without"},
        [{"host": "well"}],
    ),
    Case(
        "certificate-ends",
        f"x509_cert,host=old,source=a,verification=valid expiry={5 * 86400}i @3700\n"
        f"x509_cert,host=well,source=a,verification=valid expiry={300 * 86400}i @3700",
        {"host": "old"},
        [{"host": "well"}],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.uid)
def test_a_rule_fires_for_the_host_in_trouble_and_for_no_other(double: Double, influx: Influx, case: Case) -> None:
    influx.write(points(case.data))
    results = double.judged(rule_of(case.uid))
    assert not [result.error for result in results if result.error]
    assert [result.labels for result in results if result.kind == "Alerting"] == [case.fires]
    quiet = [result.labels for result in results if result.kind == "Normal"]
    assert sorted(quiet, key=in_order) == sorted(case.quiet, key=in_order)


def test_the_message_names_the_file_that_was_set_aside(double: Double, influx: Influx) -> None:
    influx.write(points(f"influxdb_bad_file,host={SERVER},file=data/telegraf/autogen/3/1.tsm.bad bytes=5i"))
    rule = rule_of("server-bad-file")
    state = RuleState(body(rule), "Monitoring", 60)
    state.update(double.judged(rule), datetime.now(UTC))
    (alert,) = state.alerts.values()
    assert alert.annotations["summary"].endswith("its contents are lost: data/telegraf/autogen/3/1.tsm.bad")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.uid)
def test_a_rule_s_message_names_the_host(double: Double, influx: Influx, case: Case) -> None:
    influx.write(points(case.data))
    rule = rule_of(case.uid)
    [result] = [found for found in double.judged(rule) if found.kind == "Alerting"]
    state = RuleState(body(rule), "Monitoring", 60, root="https://grafana.example.com/")
    state.update([result], datetime.now(UTC))
    [alert] = state.alerts.values()
    page = f"https://grafana.example.com/d/linux-host?var-host={case.fires['host']}"
    assert alert.annotations["host_page"] == page
    assert case.fires["host"] in alert.annotations["summary"]
    assert case.fires.items() <= alert.labels.items()
    assert alert.labels["severity"] == rule.severity
    assert "{{" not in alert.annotations["summary"] and "no value" not in alert.annotations["summary"]


@pytest.mark.parametrize("counter", ["writeError", "writeDrop", "writeTimeout"])
def test_every_kind_of_failed_write_counts(double: Double, influx: Influx, counter: str) -> None:
    zeros = {"writeError": 0, "writeDrop": 0, "writeTimeout": 0}
    for counts, at in ((zeros, 200), (zeros | {counter: 1}, 100)):
        fields = ",".join(f"{name}={count}i" for name, count in counts.items())
        influx.write(points(f"influxdb_write,host={SERVER} {fields} @{at}"))
    assert [result.kind for result in double.judged(rule_of("server-write-failures"))] == ["Alerting"]


def test_a_failed_backup_is_reported_however_recent_the_last_good_one_is(double: Double, influx: Influx) -> None:
    influx.write(points(f"backup,host={SERVER} last_success=1i,failed=1i,age=60i"))
    assert [result.kind for result in double.judged(rule_of("server-backup"))] == ["Alerting"]
    influx.write(points(f"backup,host={SERVER} last_success=1i,failed=0i,age=90i", ago=1))
    assert [result.kind for result in double.judged(rule_of("server-backup"))] == ["Normal"]


@pytest.mark.parametrize(
    ("uid", "line"),
    [
        ("host-clock", "system,host={} uptime=1i @-590"),
        ("server-bad-file", "influxdb_bad_file,host={},file=data/1.tsm.bad bytes=0i"),
    ],
)
def test_an_alert_whose_cause_is_gone_ends_within_minutes(double: Double, influx: Influx, uid: str, line: str) -> None:
    """Points from the future whose time has come, and a damaged file that was deleted: only their absence shows it."""
    rule, now = rule_of(uid), datetime.now(UTC)
    state = RuleState(body(rule), "Monitoring", 60)
    seen = []
    for minute, hosts in enumerate((("web-1", "web-2"),) * 2 + (("web-2",),) * 3):
        emptied(influx)
        influx.write(points("\n".join(line.format(host) for host in hosts)))
        state.update(double.judged(rule), now + timedelta(minutes=minute))
        seen.append({alert.labels["host"] for alert in state.alerts.values() if alert.firing})
    assert (seen[1], seen[-1]) == ({"web-1", "web-2"}, {"web-2"})


def test_no_measurement_at_all_is_one_alert(double: Double, influx: Influx) -> None:
    rule = rule_of("server-no-data")
    assert [result.kind for result in double.judged(rule)] == ["NoData"]
    influx.write(points("system,host=well uptime=1i"))
    assert [result.kind for result in double.judged(rule)] == ["Normal"]


def test_without_data_only_the_rule_about_missing_data_fires(double: Double) -> None:
    uids = [case.uid for case in CASES] + ["server-no-data"]
    for uid in uids:
        double.add(body(rule_of(uid)))
    now = datetime.now(UTC)
    double.at(now)
    double.at(now + timedelta(seconds=60))
    reported = [alert.labels for alert in double.at(now + timedelta(seconds=180)) if alert.firing]
    assert reported == [
        {
            "severity": "critical",
            "cause": "silence",
            "host": SERVER,
            "alertname": "No measurements arrive",
            "grafana_folder": "Monitoring",
        }
    ]


def test_a_failing_query_changes_no_alert_and_is_reported_once(double: Double, influx: Influx) -> None:
    influx.write(points("mem,host=full used_percent=97.5\nmem,host=full used_percent=97.5 @-290"))
    for uid in ("host-memory", "server-no-data"):
        double.add(body(rule_of(uid)))
    now = datetime.now(UTC)
    double.at(now)
    double.at(now + timedelta(seconds=301))
    [memory] = double.state("host-memory").alerts.values()
    assert memory.firing
    influx.run("REVOKE ALL ON telegraf FROM grafana", influx.admin)
    for seconds in (400, 460, 600):
        double.at(now + timedelta(seconds=seconds))
    assert memory.firing
    assert double.state("host-memory").error
    [blind] = [alert for alert in double.state("server-no-data").alerts.values() if alert.firing]
    assert blind.labels["host"] == SERVER


def test_a_silent_host_whose_clock_was_a_day_ahead_counts_as_silent(double: Double, influx: Influx) -> None:
    day = 24 * 3600
    influx.write(points(f"system,host=web-1 uptime=1i @600\nsystem,host=web-1 uptime=1i @-{day}"))
    for uid in ("host-silent", "host-clock"):
        assert [result.kind for result in double.judged(rule_of(uid))] == ["Alerting"], uid


def test_a_host_whose_clock_is_behind_counts_as_silent(double: Double, influx: Influx) -> None:
    influx.write(points("\n".join(f"system,host=web-1 uptime=1i @{ago}" for ago in range(600, 1200, 10))))
    assert [result.kind for result in double.judged(rule_of("host-silent"))] == ["Alerting"]
