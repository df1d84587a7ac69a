#!/usr/bin/python3
# Copies the InfluxDB that the dashboards show to the other one, while agents write to both (docs/moving.md). Installed
# as /etc/monitoring/influxdb-moving, which influxdb-moving.timer runs.
#
# It copies an hour at a time, or up to a day if there are few points, the oldest first. For each part it counts the
# values of every series on both sides; a measurement of which the copy lacks some is copied as a whole. Writing a point
# a second time changes nothing, so a run may end at any moment and be repeated. The file STATE has its progress.
#
# The last day is compared again each hour, because agents deliver late what they could not send at once; so is every
# hour with missing values.
#
# Five-minute means older than the raw data are copied, too: into the other InfluxDB's only policy, with integers
# rounded, because a field has one type per shard. What is older than the copy's retention is left out.
#
# The measurement `moving`, written to both, shows the progress on the dashboard.
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from moving_engine import Side, escaped, written  # type: ignore[import-not-found]

HOME = "/etc/monitoring"
STATE = Path("/srv/monitoring/influxdb-moving.json")
HOUR = 3600
# Seconds until an agent's newest points have arrived, and for which a run may copy
MARGIN = 90
BUDGET = 600
# The most that one write contains: InfluxDB accepts 25 MB, a proxy in front of it perhaps one
LINES = 5000
LETTERS = 900_000
# Seconds that a part may take before the next one is made shorter: queries alone take a second or two. On a busy
# machine they take longer, which shorter parts would not change, so a part with few values does not count.
SHORT = 5
FEW = 100_000
NOW = int(time.time())
CONF = dict(word.split("=", 1) for word in shlex.split(Path(HOME, "server.conf").read_text()) if "=" in word)
# Seconds until an agent's last points have arrived
LATE = int(CONF["ROLLUP"].split()[2])
MEANS = f'"{CONF["DATABASE"]}"."rollup".'
# Seconds that a part covers
MOST = {"": 24 * HOUR, MEANS: 240 * HOUR}


# The saved state; empty if it is damaged, so that the copy starts over.
def known() -> dict[str, Any]:
    try:
        found = json.loads(STATE.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def begin() -> None:
    kept = pair[4]
    least = NOW - kept + HOUR if kept else 0
    raw = source.oldest("", NOW)
    means = own.oldest(MEANS, NOW) if source is own else NOW
    start = max(raw, least) // HOUR * HOUR
    state.update(pair=pair, raw=start, copied=start, means=min(start, max(means, least) // HOUR * HOUR))
    short = f"its retention there: {kept // HOUR} h" if kept and min(raw, means) < least else ""
    state.update(values={}, missing={}, short=short, problem="", looked=NOW, old=False, refilled=False)


def save() -> None:
    STATE.with_suffix(".new").write_text(json.dumps(state))
    STATE.with_suffix(".new").replace(STATE)


# Measurement -> number of values that the copy lacks, and of all values
def compared(policy: str, times: str) -> tuple[dict[str, int], dict[str, int]]:
    here, there = source.counts(policy, times), copy.counts("", times)
    missing: dict[str, int] = {}
    values: dict[str, int] = {}
    for name, series in here.items():
        values[name] = sum(series.values())
        missing[name] = sum(max(0, count - there.get(name, {}).get(tags, 0)) for tags, count in series.items())
    return {name: count for name, count in missing.items() if count}, values


def copied(policy: str, start: int, end: int) -> tuple[dict[str, int], dict[str, int]]:
    times = f"WHERE time >= {start}s AND time < {end}s"
    missing, values = compared(policy, times)
    for name in missing:
        lines: list[str] = []
        letters = 0
        for line in source.points(policy, name, times, kinds[policy][name]):
            if len(lines) == LINES or letters + len(line) > LETTERS:
                state["problem"] = copy.write(lines) or state["problem"]
                lines, letters = [], 0
            lines.append(line)
            letters += len(line)
        state["problem"] = (copy.write(lines) if lines else "") or state["problem"]
        state["old"] = state["old"] or start < NOW - LATE
    return (compared(policy, times)[0] if missing else {}), values


# Continues up to `end`, or until this run's time has passed; returns whether it is done
def go_on(policy: str, key: str, end: int) -> bool:
    step = HOUR
    while state[key] < end:
        if time.monotonic() > stop:
            return False
        started = time.monotonic()
        until = min(state[key] + step, end)
        missing, values = copied(policy, state[key], until)
        state["values"] = Counter(state["values"]) + Counter(values)
        note(state[key], Counter(state["missing"].get(str(state[key] // HOUR * HOUR))) + Counter(missing))
        # Points of an agent with a wrong clock may be decades older than the next ones.
        state[key] = until if values else max(until, source.oldest(policy, end, until) // HOUR * HOUR)
        save()
        took = time.monotonic() - started
        quick = took < SHORT or sum(values.values()) < FEW
        step = min(2 * step, MOST[policy]) if quick else max(step // 2, HOUR)
        time.sleep(took)
    return True


def note(hour: int, missing: dict[str, int]) -> None:
    state["missing"].pop(str(hour // HOUR * HOUR), None)
    if missing:
        state["missing"][str(hour // HOUR * HOUR)] = missing


def look_again() -> None:
    recent = range(max(state["copied"] - LATE, state["raw"]) // HOUR * HOUR, state["copied"], HOUR)
    state["problem"] = ""
    for hour in sorted({*recent, *map(int, state["missing"])}):
        policy, end = ("", state["copied"]) if hour >= state["raw"] else (MEANS, state["raw"])
        note(hour, copied(policy, hour, min(hour + (HOUR if hour in recent else MOST[policy]), end))[0])
    state["looked"] = NOW


def report() -> None:
    missing: Counter[str] = sum(map(Counter, state["missing"].values()), Counter())
    totals = {"compared": sum(state["values"].values()), "missing": sum(missing.values())}
    totals["behind"] = max(0, NOW - MARGIN - state["copied"]) + state["raw"] - state["means"]
    at = f"{NOW}000000000"
    fields = ",".join(f"{key}={number}i" for key, number in totals.items())
    problem = (
        (state["problem"] or "they have arrived since, or cannot be read")
        if missing
        else state["short"] or "everything is copied"
    )
    lines = [f"moving,host={CONF['MACHINE']} {fields},problem={written(problem, 'string')} {at}"]
    for name, values in state["values"].items():
        start = f"moving,host={CONF['MACHINE']},of={escaped(name)}"
        lines.append(f"{start} compared={values}i,missing={missing[name]}i {at}")
    for engine in (copy, source):
        engine.write(lines)
    print(f"monitoring: moving: {fields} {problem}")


administrator = ("admin", Path(HOME, "influxdb-administrator").read_text().split()[1])
theirs = Path(HOME, "influxdb-other").read_text().split("\n")
own = Side(CONF["TARGET"], CONF["DATABASE"], CONF["TARGET_CA"], administrator, administrator)
other = Side(CONF["OTHER"], CONF["OTHER_DATABASE"], CONF["OTHER_CA"], theirs[:2], theirs[2:4])
source, copy = (own, other) if CONF["SHOWN"] == "own" else (other, own)
stop = time.monotonic() + BUDGET
try:
    # With other databases, or another retention, the saved progress is worthless.
    pair = [source.url, source.database, copy.url, copy.database, copy.kept()]
    state = known()
    if state.get("pair") != pair:
        begin()
        save()
    # The clock was ahead.
    if state["copied"] > NOW:
        state.update(copied=NOW - MARGIN, looked=0)
    raw = source.types("")
    means = own.types(MEANS) if source is own else {}
    kinds = {"": raw, MEANS: {name: {**fields, **raw.get(name, {})} for name, fields in means.items()}}
    if NOW - state["looked"] >= HOUR:
        look_again()
        save()
    done = go_on(MEANS, "means", state["raw"]) and go_on("", "copied", NOW - MARGIN)
    # The server's own InfluxDB then down-samples all its data.
    if done and copy is own and state["old"] and not state["refilled"]:
        subprocess.run(["systemctl", "stop", "influxdb-rollup"], check=False)
        list(own.ask("DROP MEASUREMENT rollup", own.writer))
        state["refilled"] = True
        save()
    report()
except OSError as error:
    sys.exit(f"monitoring: moving: {error}")
