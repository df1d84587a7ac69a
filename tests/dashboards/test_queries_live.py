"""Every InfluxQL query of every panel and variable, sent to a real InfluxDB that real Telegrafs fill."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import requests

from dashboards.queries import ALL_HOSTS, ROLLUP
from dashboards.registry import LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER, Entry
from sandbox.viewer.queries import AsIs, PanelQuery, TimeRange, panel_queries, panels, variable_queries
from tests.dashboards.conftest import HOSTS, Influx
from tests.support import rollup

# It takes a minute of measurements, so only `make test` runs it.
pytestmark = pytest.mark.live

ENTRIES = (LINUX_HOSTS, MONITORING_SERVER)


def queries(
    entry: Entry, hosts: tuple[str, ...] = HOSTS, hidden: Mapping[str, str] = MappingProxyType({})
) -> list[PanelQuery]:
    shown = TimeRange.last(300)
    return panel_queries(json.loads(entry.build()), {"host": list(hosts), "interval": "10s", **hidden}, shown)


def values(series: list[dict[str, Any]]) -> list[float]:
    """Every number in an answer."""
    return [cell for each in series for row in each["values"] for cell in row[1:] if cell is not None]


def only(influx: Influx, title: str, letter: str = "A", entry: Entry = LINUX_HOSTS) -> list[dict[str, Any]]:
    (query,) = [q for q in queries(entry) if q.title == title and q.model["refId"] == letter][:1]
    return influx.ask(query.influxql())


MAY_BE_EMPTY = {
    "Needs attention": "no host may need it",
    "When hosts reported": "every host may have reported all the time",
    "Clock offset": "this machine may have neither chrony nor timesyncd",
    "Failed services": "this machine may have no systemd",
    "Failed units": "this machine may have no systemd",
}


@pytest.mark.parametrize("entry", (*ENTRIES, LINUX_HOST), ids=lambda entry: entry.uid)
def test_no_query_returns_nothing_or_an_error(influx: Influx, entry: Entry) -> None:
    empty = [
        f"{query.title} {query.model['refId']}: {query.influxql()}"
        for query in queries(entry, HOSTS[:1] if entry is LINUX_HOST else HOSTS)
        if not values(influx.ask(query.influxql())) and query.title not in MAY_BE_EMPTY
    ]
    assert not empty, "\n".join(empty)


def host_page(title: str) -> list[PanelQuery]:
    return [query for query in queries(LINUX_HOST, HOSTS[:1]) if query.title == title]


def test_a_host_s_page_has_a_line_for_each_core_and_mount(influx: Influx) -> None:
    (cores,) = [influx.ask(query.influxql()) for query in host_page("CPU use by core")]
    assert {each["tags"]["cpu"] for each in cores} == {f"cpu{number}" for number in range(os.cpu_count() or 1)}
    (mounts,) = [influx.ask(query.influxql()) for query in host_page("Use by mount")]
    assert "/" in {each["tags"]["path"] for each in mounts}
    assert {each["tags"]["host"] for each in (*cores, *mounts)} == set(HOSTS[:1])


def test_the_panels_about_last_week_show_last_week(influx: Influx) -> None:
    (query,) = host_page("Last week: memory use")
    assert set(values(influx.ask(query.influxql()))) == {60}


@pytest.fixture(scope="module")
def rolled(influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Down-sample everything so far to steps of ten seconds; returns the variables that select that policy."""
    folder = tmp_path_factory.mktemp("rollup")
    requests.post(f"{influx.url}/query", params={"q": rollup.CREATE}, timeout=20)
    rollup.configure(folder, influx.url, rolled="1h")
    rollup.install(folder, STEP=10, MARGIN=0, LONGER=0)
    rollup.run(folder)
    shown = TimeRange.last(86400)
    found: dict[str, str] = {}
    for name in ("policy", "peak"):
        text = ROLLUP.format(field=name).replace("${__from}", str(shown.start)).replace("${__to}", str(shown.end))
        ((_, value),) = influx.ask(text)[0]["values"]
        found[name] = AsIs(value)
    return found


@pytest.mark.parametrize("entry", (*ENTRIES, LINUX_HOST), ids=lambda entry: entry.uid)
def test_no_query_of_the_down_sampled_policy_returns_nothing(
    influx: Influx, rolled: dict[str, str], entry: Entry
) -> None:
    hosts = HOSTS[:1] if entry is LINUX_HOST else HOSTS
    asked = [query for query in queries(entry, hosts, rolled) if '"rollup".' in query.influxql()]
    assert len(asked) > 10
    empty = [
        f"{query.title} {query.model['refId']}: {query.influxql()}"
        for query in asked
        if not values(influx.ask(query.influxql()))
        and query.title not in MAY_BE_EMPTY
        and not query.title.startswith("Last week")
    ]
    assert not empty, "\n".join(empty)


def test_the_down_sampled_policy_shows_what_raw_data_shows(influx: Influx, rolled: dict[str, str]) -> None:
    """Mean and maximum are the same if a step of the policy is a step of the panel."""
    raw = {(q.title, q.model["refId"]): influx.ask(q.influxql()) for q in queries(LINUX_HOSTS)}
    compared = {"CPU use", "Memory use", "Disk latency", "Fullest file system over time"}
    assert compared <= {title for title, _ in raw}
    for query in queries(LINUX_HOSTS, HOSTS, rolled):
        if query.title in compared:
            there = {each["tags"]["host"]: dict(each["values"]) for each in raw[query.title, query.model["refId"]]}
            for each in influx.ask(query.influxql()):
                steps = {at: value for at, value in each["values"] if value is not None}
                assert len(steps) >= 3, query.title
                known = there[each["tags"]["host"]]
                assert steps == pytest.approx({at: known[at] for at in steps}), query.title


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.uid)
def test_every_chosen_host_has_a_line_and_no_other_host(influx: Influx, entry: Entry) -> None:
    for chosen in (HOSTS, HOSTS[:1]):
        for query in queries(entry, chosen):
            seen = [each["tags"]["host"] for each in influx.ask(query.influxql()) if "host" in each.get("tags", {})]
            if query.model.get("alias", "").startswith("$tag_host") and query.title not in MAY_BE_EMPTY:
                assert sorted(seen) == sorted(chosen), query.title
            assert set(seen) <= set(chosen), query.title


def test_the_hosts_are_offered_as_choices(influx: Influx) -> None:
    """Before all tests that add a host: for a while InfluxDB still lists the tags of series that were dropped."""
    (answer,) = influx.ask(ALL_HOSTS)
    assert {value for _, value in answer["values"]} == set(HOSTS)


def test_a_dot_in_a_host_s_name_matches_only_a_dot(influx: Influx) -> None:
    similar, now = HOSTS[0].replace(".", "x"), int(time.time())
    lines = [text.format(now=now, before=now) for text in TROUBLE.values()]
    similar_lines = "\n".join(re.sub(r"host=[\w-]+", f"host={similar}", line) for line in lines)
    written = requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=similar_lines, timeout=20)
    assert written.status_code == 204, written.text
    try:
        chosen = [influx.ask(query.influxql()) for query in queries(LINUX_HOSTS, HOSTS[:1])]
        itself = [influx.ask(query.influxql()) for query in queries(LINUX_HOSTS, (similar,))]
    finally:
        drop = {"db": "telegraf", "q": f"DROP SERIES WHERE \"host\" = '{similar}'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    assert similar in json.dumps(itself)
    assert HOSTS[0] in json.dumps(chosen) and similar not in json.dumps(chosen)


def test_percentages_are_between_0_and_100(influx: Influx) -> None:
    checked = 0
    for entry in ENTRIES:
        units = {panel["id"]: panel["fieldConfig"]["defaults"]["unit"] for panel in panels(json.loads(entry.build()))}
        for query in queries(entry):
            if units[query.panel_id] == "percent" and query.model["resultFormat"] == "time_series":
                # A disk counts whole milliseconds, which can add up to slightly more than the step.
                assert all(0 <= value <= 105 for value in values(influx.ask(query.influxql()))), query.title
                checked += 1
    assert checked > 10


def test_numbers_agree_with_this_machine(influx: Influx) -> None:
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total = int(memory["MemTotal"].split()[0]) * 1024
    parts = only(influx, "Memory by type")[0]["values"]
    sums = [sum(row[1:]) for row in parts if None not in row]
    assert sums and all(abs(each - total) < total / 100 for each in sums)

    disk = os.statvfs("/")
    rows = only(influx, "File systems")
    root = next(each for each in rows if each["tags"] == {"host": HOSTS[0], "path": "/"})
    size, free = root["values"][0][1:3]
    assert size == disk.f_blocks * disk.f_frsize
    assert abs(free - disk.f_bavail * disk.f_frsize) < size / 20

    load = os.getloadavg()[1] / (os.cpu_count() or 1)
    ((_, highest, host),) = only(influx, "Highest load")[0]["values"]
    assert host in HOSTS
    assert highest == pytest.approx(load, abs=1)


def test_both_hosts_are_reporting_and_none_is_silent(influx: Influx) -> None:
    assert values(only(influx, "Reporting")) == [len(HOSTS)]
    assert values(only(influx, "Silent")) == [0]
    assert only(influx, "When hosts reported") == []


def test_points_from_the_future_do_not_count_as_reporting(influx: Influx) -> None:
    now = int(time.time())
    lines = "\n".join(f"system,host=ahead uptime=1i {at}" for at in (now - 600, now + 3600))
    written = requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=lines, timeout=20)
    assert written.status_code == 204, written.text
    with_it = {query.title: query.influxql() for query in queries(LINUX_HOSTS, (*HOSTS, "ahead"))[:2]}
    try:
        assert values(influx.ask(with_it["Reporting"])) == [len(HOSTS)]
        assert values(influx.ask(with_it["Silent"])) == [1]
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE \"host\" = 'ahead'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)


TROUBLE = {
    "full": "disk,host=full,path=/,fstype=ext4 used_percent=97 {now}",
    "hog": "mem,host=hog used_percent=96.5 {now}",
    "busy": "cpu,host=busy,cpu=cpu-total usage_idle=4 {now}",
    "loaded": "system,host=loaded load5=24,n_cpus=4i {now}",
    "torn": "ext4,host=torn,device=sda1 errors=2 {now}",
    "quiet": "system,host=quiet uptime=1i {before}",
    "was-full": "disk,host=was-full,path=/,fstype=ext4 used_percent=97 {before}",
}
"""A host for each kind of trouble, and one whose last value is too old to count."""


def test_hosts_in_trouble_need_attention(influx: Influx) -> None:
    now = int(time.time())
    lines = [text.format(now=now, before=now - 240) for text in TROUBLE.values()]
    lines += [f"system,host={host} uptime=1i {now}" for host in TROUBLE if host != "quiet"]
    written = requests.post(f"{influx.url}/write?db=telegraf&precision=s", data="\n".join(lines), timeout=20)
    assert written.status_code == 204, written.text
    asked = [q for q in queries(LINUX_HOSTS, tuple(TROUBLE)) if q.title == "Needs attention"]
    try:
        named = {q.model["refId"]: influx.ask(q.influxql()) for q in asked}
        worst = {q.title: influx.ask(q.influxql()) for q in queries(LINUX_HOSTS, tuple(TROUBLE))[2:6]}
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE " + " OR ".join(f"\"host\" = '{host}'" for host in TROUBLE)}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    states = {each["tags"]["host"]: each["values"][0][1] for each in named["A"]}
    assert states == {host: 100 if host == "quiet" else 0 for host in TROUBLE}
    found = {letter: [each["tags"]["host"] for each in named[letter]] for letter in "CDEFG"}
    assert found == {"C": ["busy"], "D": ["hog"], "E": ["full"], "F": ["loaded"], "G": ["torn"]}
    severities = {letter: named[letter][0]["values"][0][2] for letter in "CDEFG"}
    assert severities == pytest.approx({"C": 2 + 1 / 15, "D": 2.15, "E": 2.7, "F": 3 - 1 / 3, "G": 2.5})
    since = {letter: [each["tags"]["host"] for each in named[letter]] for letter in "HIJKL"}
    assert since == {"H": ["busy"], "I": ["hog"], "J": ["full", "was-full"], "K": ["loaded"], "L": ["torn"]}
    assert {title: rows[0]["values"][0][2] for title, rows in worst.items()} == {
        "Busiest CPU": "busy",
        "Fullest memory": "hog",
        "Fullest file system": "full",
        "Highest load": "loaded",
    }


def test_trouble_during_the_whole_time_shown_began_with_it(influx: Influx) -> None:
    now = int(time.time())
    (since,) = [
        q for q in queries(LINUX_HOSTS, ("long-full",)) if (q.title, q.model["refId"]) == ("Needs attention", "J")
    ]
    lines = [f"disk,host=long-full,path=/,fstype=ext4 used_percent=97 {at}" for at in range(now - 900, now, 30)]
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data="\n".join(lines), timeout=20).raise_for_status()
    try:
        (found,) = influx.ask(since.influxql())
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE \"host\" = 'long-full'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    ((at, _),) = found["values"]
    assert at == pytest.approx(since.time_range.start, abs=since.step * 1000)


def test_one_row_per_host_in_each_column_of_the_table(influx: Influx) -> None:
    for letter in "ABCDEFG":
        rows = only(influx, "Hosts", letter)
        assert sorted(each["tags"]["host"] for each in rows) == sorted(HOSTS), letter
        assert all(len(each["values"]) == 1 for each in rows), letter


def test_the_certificate_s_remaining_time_is_right(influx: Influx) -> None:
    (seconds,) = values(only(influx, "Certificate expires in", entry=MONITORING_SERVER))
    assert 29.9 * 86400 < seconds <= 30 * 86400


def test_a_boot_is_an_annotation(influx: Influx) -> None:
    now = int(time.time()) // 60 * 60
    points = [(now - 240, 9000), (now - 180, 9060), (now - 120, 30), (now - 60, 90)]
    lines = "\n".join(f"system,host=booted uptime={uptime}i {at}" for at, uptime in points)
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=lines, timeout=20).raise_for_status()
    (boots,) = json.loads(LINUX_HOST.build())["annotations"]["list"]
    shown = f"time > {now - 600}s"
    try:
        (found,) = influx.ask(
            boots["query"].replace("${policy}", "").replace("$host", "booted").replace("$timeFilter", shown)
        )
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE \"host\" = 'booted'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    assert found["values"] == [[(now - 120) * 1000, -9030]]
    assert boots["textColumn"] in found["columns"]


def test_a_host_is_found_by_its_instance_id_and_vice_versa(influx: Influx) -> None:
    lines = f"system,host=on-ec2,instance_id=i-0123456789abcdef0 uptime=1i {int(time.time())}"
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=lines, timeout=20).raise_for_status()
    asked = {each["name"]: each["query"] for each in variable_queries(json.loads(LINUX_HOST.build()))}

    def offered(query: str) -> set[str]:
        return {value for each in influx.ask(query) for _, value in each["values"]}

    try:
        everyone = offered(asked["host"].replace("$instance_id", ".*"))
        by_id = offered(asked["host"].replace("$instance_id", "i-0123456789abcdef0"))
        its_id = offered(asked["ec2"].replace("$host", "on-ec2"))
        none = offered(asked["ec2"].replace("$host", HOSTS[1]))
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE \"host\" = 'on-ec2'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    assert everyone >= {*HOSTS, "on-ec2"}
    assert (by_id, its_id, none) == ({"on-ec2"}, {"i-0123456789abcdef0"}, set())


TAGGED = ("web-9", "db-9", "gone-9", "bare-9")
TAGGED_LINES = (
    "system,host=web-9,role=new uptime=1i {before}",
    "system,host=web-9,role=web uptime=1i,load5=0.1,n_cpus=1i {now}",
    "system,host=db-9,role=db uptime=1i,load5=4,n_cpus=1i {now}",
    "system,host=gone-9,role=web uptime=1i {before}",
    "system,host=bare-9 uptime=1i,load5=1.5,n_cpus=1i {now}",
)
"""Healthy, with another tag than before; in trouble; silent; worth a look, and without a tag."""


def test_hosts_can_be_selected_by_tag_and_show_it(influx: Influx) -> None:
    now = int(time.time())
    lines = [text.format(now=now, before=now - 300) for text in TAGGED_LINES]
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data="\n".join(lines), timeout=20).raise_for_status()
    dashboard = json.loads(LINUX_HOSTS.build(tags=["role"]))
    asked = {each["name"]: each["query"] for each in variable_queries(dashboard)}
    shown = panel_queries(dashboard, {"host": list(TAGGED)}, TimeRange.last(300))
    tiles = [query for query in shown if query.title == "Worst signal of each host"]
    (listed,) = [query for query in shown if query.title == "Hosts" and query.model["refId"] == "A"]

    def offered(query: str) -> set[str]:
        return {value for each in influx.ask(query) for _, value in each["values"]}

    try:
        roles = offered(asked["by_role"])
        chosen = {role: offered(asked["host"].replace("$by_role", role)) for role in ("web", "(web|db)", ".*")}
        found = {query.model["refId"]: influx.ask(query.influxql()) for query in tiles}
        rows = {each["tags"]["host"]: each["values"] for each in influx.ask(listed.influxql())}
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE " + " OR ".join(f"\"host\" = '{host}'" for host in TAGGED)}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    assert roles == {"web", "db", "new"}
    assert chosen["web"] == {"web-9", "gone-9"}
    assert chosen["(web|db)"] == {"web-9", "gone-9", "db-9"}
    assert chosen[".*"] >= {*TAGGED, *HOSTS}
    states = {each["tags"]["host"]: each["values"][0][1] for each in found["A"]}
    assert states == {"web-9": 0, "db-9": 0, "gone-9": 100, "bare-9": 0}
    named = {each["tags"]["host"]: each["values"][0][2] for each in found["B"]}
    assert named == {"web-9": "web", "db-9": "db", "gone-9": "web", "bare-9": None}
    loads = {each["tags"]["host"]: each["values"][0][1] for each in found["F"]}
    assert loads == pytest.approx({"bare-9": 1.5, "db-9": 4, "web-9": 0.1})
    # One row each, with the last value of the tag, also for the silent host.
    assert {host: [row[2] for row in each] for host, each in rows.items()} == {
        **{"web-9": ["web"], "db-9": ["db"], "gone-9": ["web"], "bare-9": [None]},
    }


@pytest.mark.parametrize("minutes", [60, 300, 500])
def test_the_time_to_full_is_calculated_from_the_data_that_exists(influx: Influx, minutes: int) -> None:
    """Ten GB left, one GB less every hour, on a host that has reported for one, five and more than eight hours."""
    now = int(time.time())
    points = [(now - minute * 60, 10_000_000_000 + minute * 1_000_000_000 // 60) for minute in range(0, minutes, 5)]
    tags = "disk,host=filling,path=/,fstype=ext4"
    lines = [f"{tags} free={free}i,total=100000000000i,used_percent=90 {at}" for at, free in points]
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data="\n".join(lines), timeout=20).raise_for_status()
    (asked,) = [query for query in queries(LINUX_HOSTS, ("filling",)) if query.title == "File systems"]
    try:
        (found,) = influx.ask(asked.influxql())
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE \"host\" = 'filling'"}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    full = dict(zip(found["columns"], found["values"][0], strict=True))["full"]
    assert full == pytest.approx(10 * 3600, rel=0.01)


def of_busy(
    influx: Influx, title: str, busy: dict[str, str], series: str = "cpu,cpu=cpu-total"
) -> dict[str, list[float]]:
    """What a panel shows, by column, for hosts with these fields."""
    now = int(time.time()) - 10
    lines = "\n".join(f"{series},host={host} {fields} {now}" for host, fields in busy.items())
    requests.post(f"{influx.url}/write?db=telegraf&precision=s", data=lines, timeout=20).raise_for_status()
    asked = [query for query in queries(LINUX_HOSTS, tuple(busy)) if query.title == title]
    try:
        found = [series for query in asked for series in influx.ask(query.influxql())]
    finally:
        drop = {"db": "telegraf", "q": "DROP SERIES WHERE " + " OR ".join(f"\"host\" = '{host}'" for host in busy)}
        requests.post(f"{influx.url}/query", params=drop, timeout=20)
    columns = [
        column for each in found for column in zip(each["columns"], zip(*each["values"], strict=True), strict=True)
    ]
    return {name: [value for value in column if value is not None] for name, column in columns}


def test_the_modes_of_all_hosts_show_the_busiest_host(influx: Influx) -> None:
    busy = {host: f"usage_user={user}" for host, user in (("busy", 98), ("idle-1", 1), ("idle-2", 1))}
    assert of_busy(influx, "CPU by mode", busy)["programs"] == [98]


def test_the_cpu_use_of_many_hosts_is_three_percentiles(influx: Influx) -> None:
    busy = {f"host-{use}": f"usage_idle={100 - use}" for use in range(1, 21)}
    found = of_busy(influx, "CPU use of all hosts", busy)
    assert (found["highest"], found["a tenth is above"], found["the middle one"]) == ([20], [18], [10.5])


@pytest.mark.parametrize(
    ("title", "series"), [("Memory use of all hosts", "mem"), ("File systems of all hosts", "disk,path=/,fstype=ext4")]
)
def test_the_memory_and_disk_use_of_many_hosts_is_three_percentiles(influx: Influx, title: str, series: str) -> None:
    busy = {f"host-{use}": f"used_percent={use}" for use in range(1, 21)}
    found = of_busy(influx, title, busy, series)
    assert (found["highest"], found["a tenth is above"], found["the middle one"]) == ([20], [18], [10.5])
