"""What an `up` costs with 500 hosts: one that installs them, and one that changes one of them.

    sudo .venv/bin/python -m benchmarks.many_hosts [--hosts 100 500]

Raises a separate environment, and takes it down. Its additional hosts are ports of one SSH server, which accepts the
installer, runs nothing, and reports success after `SECONDS`. So the figures are those of Pulumi and the program. The
server counts how many installers run at once: `sshConnections` limits that, while Pulumi may do four times as much in
parallel. The first `FIRST` hosts are installed like this; the others are copies of the first in Pulumi's state, and an
`up` has to find that nothing needs to change. Figures as in benchmarks.preview.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import selectors
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import paramiko
import yaml

from benchmarks.preview import HOSTS, MOST_SECONDS_PER_HOST, PLACE, Cost, cost, least, line, sandbox, timed
from sandbox import hosts, stack
from settings import Settings
from tools.command import run

FIRST, FIRST_PORT = 40, 20000
SECONDS = 3
MOST = Settings.model_fields["ssh_connections"].default


class Machines:
    """The SSH server. ran: how many installers it received. most: how many at once."""

    def __init__(self, address: str, number: int) -> None:
        self._key = paramiko.ECDSAKey.generate()
        self.host_key = f"{self._key.get_name()} {self._key.get_base64()}"
        self._selector = selectors.DefaultSelector()
        for port in range(FIRST_PORT, FIRST_PORT + number):
            listening = socket.create_server((address, port), backlog=8)
            self._selector.register(listening, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._now = self.ran = self.most = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        self.ran = self.most = 0

    def _accept(self) -> None:
        while True:
            for ready, _ in self._selector.select():
                connection, _ = ready.fileobj.accept()  # type: ignore[union-attr]
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # `ssh_answers` uses a separate connection, which ends after the greeting.
        with suppress(paramiko.SSHException, EOFError, OSError), paramiko.Transport(connection) as transport:
            transport.add_server_key(self._key)
            transport.start_server(server=_Anyone())
            channel = transport.accept(60)
            if channel is None:
                return
            with self._lock:
                self._now += 1
                self.ran += 1
                self.most = max(self.most, self._now)
            while channel.recv(65536):
                pass
            time.sleep(SECONDS)
            with self._lock:
                self._now -= 1
            channel.send_exit_status(0)
            channel.close()
            transport.join(60)


class _Anyone(paramiko.ServerInterface):
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return True


def measure(numbers: list[int]) -> None:
    """Print the figures for these numbers of hosts; the environment is up."""
    environment, address = timed(), str(PLACE.gateway)
    machines = Machines(address, max(numbers))
    others = len(hosts.HOSTS)
    file = stack.project_folder(PLACE) / f"Pulumi.{stack.name()}.yaml"
    listed = PLACE.state / "hosts.yaml"
    content = yaml.safe_load(file.read_text())
    key = content["config"][stack.HOSTS_KEY][0]["privateKey"]
    content["config"]["monitoring:hostsFile"] = {"path": str(listed), "privateKey": key}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    shared = {"address": address, "user": "root", "hostKey": machines.host_key}

    def up(number: int, role: str, expected: int) -> Cost:
        """Run an `up` with this number of hosts, which includes the environment's own. role: a tag of the last one.
        expected: how many get a new installer."""
        every = [{"name": f"host-{each}", "port": FIRST_PORT + each, **shared} for each in range(number - others)]
        every[-1]["tags"] = {"role": role}
        listed.write_text(yaml.safe_dump(every))
        machines.forget()
        measured = cost(environment, "up", "--yes", "--skip-preview", "--parallel", str(4 * MOST))
        if machines.ran != expected or machines.most > MOST:
            sys.exit(f"{machines.ran} installers, at most {machines.most} at once; expected {expected}, {MOST}")
        return measured

    made = up(FIRST, "web", FIRST - others)
    print(f"an up that installs {FIRST - others} hosts, at most {machines.most} at once: {made.wall:.1f} s", flush=True)
    changed = {}
    for number in [FIRST, *(each for each in numbers if each > FIRST)]:
        if number > FIRST:
            _copy(environment, number - others)
            # The last host gets the tag, and the previous one loses it.
            up(number, "web", 2)
        changed[number] = least(up(number, role, 1) for role in ("database", "web"))
    print(f"CPU of the program per further host, in an up that changes one; goal {MOST_SECONDS_PER_HOST * 1000:.0f} ms")
    for (fewer, first), (more, second) in itertools.pairwise(changed.items()):
        each = (second.program - first.program) / (more - fewer)
        line(f"from {fewer} to {more} hosts", each / first.program, f"({each * 1000:.1f} ms)")
    (fewest, one), *_, (all_, most) = changed.items()
    print(f"an up that changes one of {all_} hosts; ratio to one of {fewest}")
    line("wall clock", most.wall / one.wall, f"({most.wall:.1f} s)")
    line("memory of the largest process", most.memory / one.memory, f"({most.memory:.0f} MiB)")


def _copy(environment: dict[str, str], number: int) -> None:
    """Add copies of the first host to Pulumi's state until it has this number of hosts."""

    def pulumi(*command: str) -> str:
        folder = stack.project_folder(PLACE)
        done = ("pulumi", *command, "--stack", stack.name())
        return subprocess.run(done, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout

    state = json.loads(pulumi("stack", "export", "--show-secrets"))
    resources = state["deployment"]["resources"]
    there = {each["urn"] for each in resources}
    first = [json.dumps(each) for each in resources if each["urn"].endswith("::host-0")]
    after = max(place for place, each in enumerate(resources) if each["urn"].endswith("::host-0")) + 1
    every = range(1, number)
    copies = [
        json.loads(each.replace("host-0", f"host-{which}").replace(str(FIRST_PORT), str(FIRST_PORT + which)))
        for which in every
        for each in first
    ]
    resources[after:after] = [each for each in copies if each["urn"] not in there]
    file = PLACE.state / "copied.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(state))
    pulumi("stack", "import", "--file", str(file))
    file.unlink()


def main(arguments: list[str]) -> int:
    # paramiko logs a connection that ends after the greeting as an error.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=list(HOSTS[2:]))
    options = parser.parse_args(arguments)
    sandbox("down")
    try:
        sandbox("up")
        measure(sorted(options.hosts))
    finally:
        sandbox("down")
    return 0


if __name__ == "__main__":
    run(main)
