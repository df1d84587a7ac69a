"""How many hosts the server can handle, tried in a running local environment.

    make up
    sudo .venv/bin/python -m benchmarks.load --hosts 100 --minutes 10

A real agent's measurements are recorded, and then sent as those of many hosts, every interval, while people refresh the
dashboards. Before that, some hours of the past are filled in, so that the size of a day on disk can be reported. Exits
with status 1 when a write was refused or a dashboard's request took longer than `LIMIT`. The simulated hosts are
removed again.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load.agent import MEASURED_EACH_MINUTE, recorded
from benchmarks.load.figures import MIB
from benchmarks.load.history import History, fill
from benchmarks.load.limited import memory
from benchmarks.load.people import People, View
from benchmarks.load.report import LIMIT, Outcome, described
from benchmarks.load.senders import Senders
from benchmarks.load.server import SERVICES, Server
from benchmarks.load.watch import Watch
from sandbox import stack
from sandbox.commands import require_up
from sandbox.errors import SandboxError
from sandbox.machines.register import find
from sandbox.place import Place
from sandbox.screen import Grafana
from tools.command import run

STACK = "sandbox"
LIKE = "web-1"
"""The plain host whose agent is recorded."""
NAME = "load-{:03}"
NAMED = "^load-[0-9]+$"
ALONE = 60
"""Seconds for which the server is measured without any load."""
UNSEEN = 0.2
"""Share of the time during which hosts send, but no dashboard is open."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--hosts", type=int, default=100, help="how many hosts are simulated")
    parser.add_argument("--minutes", type=float, default=10, help="how long they send")
    parser.add_argument("--people", type=int, default=3, help="how many people refresh the dashboards, every 10 s")
    parser.add_argument("--backfill-hours", type=float, default=3, help="how much of the past is filled in first")
    parser.add_argument(
        "--memory", type=int, default=0, help="MiB of memory that the server has during the test (0: all)"
    )
    asked = parser.parse_args(arguments)
    if asked.hosts < 1 or not 0 < asked.minutes < math.inf:
        parser.error("at least one host and more than 0 minutes are needed")
    place = Place.here()
    require_up(place)
    outputs = stack.complete_outputs(place, STACK)
    machine = find(place, outputs["instanceId"])
    with ExitStack() as clean:
        authority = Path(clean.enter_context(tempfile.TemporaryDirectory())) / "ca.pem"
        authority.write_text(outputs["caCertificate"])
        login = outputs["grafanaAdminUser"], outputs["grafanaAdminPassword"]
        grafana = Grafana(outputs["grafanaUrl"], *login, authority)
        server = Server(machine, grafana.verify)
        say(f"recording what the agent of {LIKE} sends, for {MEASURED_EACH_MINUTE} s")
        agent = recorded(find(place, LIKE), MEASURED_EACH_MINUTE)
        limited = None
        if asked.memory:
            limited = clean.enter_context(memory(machine, asked.memory * MIB))
            server.restart(*SERVICES)
        before = server.shards()
        say(f"the server alone, for {ALONE} s")
        alone = Watch(server)
        alone.look(ALONE)
        names = [NAME.format(number) for number in range(1, asked.hosts + 1)]
        clean.callback(lambda: server.forget(NAMED, set(server.shards()) - set(before)))
        history = History()
        if asked.backfill_hours:
            history = fill(server, agent, names, asked.backfill_hours, say)
        say(f"{asked.hosts} hosts, for {asked.minutes:g} minutes")
        senders = Senders(agent, names, max(2, round(60 * asked.minutes / agent.interval)))
        people = People(grafana, views(outputs["instanceId"]), asked.people)
        senders.start()
        time.sleep(senders.moments[0] - time.time())
        writing = Watch(server)
        writing.look(60 * asked.minutes * UNSEEN)
        say(f"and {asked.people} people")
        people.start()
        loaded = Watch(server)
        loaded.look(senders.moments[-1] + agent.interval - time.time())
        written, refreshed = senders.join(), people.stop()
        outcome = Outcome(
            hosts=len(names),
            people=asked.people,
            interval=agent.interval,
            pattern=agent.pattern,
            written=written,
            refreshed=refreshed,
            series=server.series(),
            stored=stored(server, names, senders.moments),
            moments=len(senders.moments),
            alone=alone,
            writing=writing,
            loaded=loaded,
            history=history,
            memory=limited,
        )
        print(described(outcome), flush=True)
        say("removing the simulated hosts")
    over = refreshed.over(LIMIT)
    return 1 if written.failures or refreshed.failures or over else 0


def views(instance: str) -> list[View]:
    """What people view in turn: all hosts, one host, monitoring itself, an instance as AWS sees it."""
    return [
        View("linux-hosts", {}, every_host=True),
        View("linux-hosts", {"host": [LIKE]}),
        View("monitoring-server", {}, every_host=True),
        View("aws-ec2", {"instance": [instance]}),
    ]


def stored(server: Server, names: list[str], moments: list[int]) -> int:
    """How many of the hosts' points are in the database."""
    counted = server.query(
        f'SELECT count("uptime") FROM "system" WHERE "host" =~ /{NAMED}/ '  # noqa: S608
        f'AND time >= {moments[0]}s AND time <= {moments[-1]}s GROUP BY "host"'
    )
    return sum(each["values"][0][1] for each in counted if each["tags"]["host"] in names)


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    run(main, SandboxError)
