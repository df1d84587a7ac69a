"""A machine that somebody else has set up, booted with the package server and nothing else of the environment."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.machines import cleanup, network
from sandbox.machines.machine import Machine
from sandbox.machines.on_premise import Host, HostKeeper
from sandbox.place import Place
from sandbox.repository.__main__ import PORT, prepare, www_folder
from sandbox.repository.packages import ensure_packages, facts
from sandbox.repository.server import open_server
from settings import Inputs, Settings
from settings.model import InfluxdataRepository
from tests.support.waiting import eventually
from userdata.agents import AgentValues, agent_installer
from userdata.telegraf import InfluxTarget

NAME = "office-1"
SOURCES = "/etc/apt/sources.list.d"
BEFORE = "/root/before"
"""Where the machine's state from before the tests is kept on it."""
STATE = (
    "for file in $(find /etc/apt /etc/telegraf /etc/default/telegraf /etc/systemd/system/telegraf.service.d"
    " /etc/systemd/system/*monitoring* -type f 2>/dev/null | sort);"
    " do sha256sum $file; stat -c '%a %U:%G %n' $file; done;"
    " apt-mark showhold; dpkg-query -W -f '${db:Status-Status} ${Version}\n' telegraf 2>/dev/null;"
    " systemctl is-active telegraf; systemctl is-enabled telegraf 2>&1;"
    " systemctl is-active monitoring-agent-clock.timer; ls /etc/systemd/system/timers.target.wants | grep monitoring;"
    " getent passwd telegraf; ls -d /var/lib/monitoring* 2>/dev/null"
)


class OrdinaryHost:
    """The machine, and the installer that is piped to it.

    repository: the setting `influxdataRepository` for the package server. www: the folder that it serves.
    """

    STATE = STATE

    def __init__(self, machine: Machine, www: Path) -> None:
        described = facts(machine.place)
        self.machine = machine
        self.www = www / "influxdata"
        self.repository = InfluxdataRepository.model_validate(described["influxdataRepository"])
        self.version = str(Settings.model_fields["telegraf_version"].default)
        (found,) = self.www.glob("pool/main/telegraf_*.deb")
        self.package = found.name

    def installer(self, **changed: Any) -> str:
        """What `pulumi stack output agentInstallScript` prints. Its InfluxDB does not exist."""
        values: dict[str, Any] = {
            "repository": self.repository,
            "telegraf_version": self.version,
            "interval": "1s",
            "target": InfluxTarget("https://monitoring.invalid:8086", "telegraf", "telegraf", False),
            "password": "the-password",
            "inputs": Inputs(),
        }
        return agent_installer(AgentValues(**(values | changed)))

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root on the machine."""
        return self.machine.run(["bash", "-c", script], timeout=300)

    def shell(self, script: str) -> str:
        """Run a script as root on the machine; returns what it prints. Fails if the script does."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def install(self, script: str | None = None, *arguments: str, name: str = "") -> subprocess.CompletedProcess[str]:
        """Pipe the installer (by default `installer()`) to a root shell, as docs/agents.md says."""
        command = ["env", f"MONITORING_HOST={name}", "bash", *(("-s", *arguments) if arguments else ())]
        return self.machine.run(command, stdin=script or self.installer(), timeout=600)

    def install_or_fail(self, script: str | None = None, **options: str) -> str:
        """Like `install`, which must succeed; returns what it printed."""
        done = self.install(script, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refusal(self, script: str | None = None) -> str:
        """Like `install`, which must fail with one line that says why; returns that line."""
        done = self.install(script)
        assert done.returncode != 0, done.stdout
        lines = [line for line in done.stderr.splitlines() if line.startswith("monitoring: ")]
        assert len(lines) == 1, done.stderr
        return lines[0]

    def hold_lock(self, program: str) -> None:
        """Have another process hold a lock: a program in Python that prints "got" once it has it."""
        self.shell(
            f'since=$(date +%s); systemd-run -q --unit=lock --collect python3 -c "{program}";'
            " until journalctl -q -u lock -o cat --since=@$since | grep -q got; do sleep 0.1; done"
        )

    def state(self) -> str:
        """Everything that an installer could leave on a machine: files, holds, the package, the service."""
        found = self.run(self.STATE).stdout
        assert found
        return found

    def update(self) -> subprocess.CompletedProcess[str]:
        """Run `apt-get update`, as the host's own timer does."""
        return self.run("apt-get update")

    def save(self) -> None:
        """Save the machine's state, for `restore`."""
        self.shell(f"apt-get update -qq; cp -a /etc/apt {BEFORE}")

    def restore(self) -> None:
        """Restore the saved state, without Telegraf, whatever a test has done to the machine."""
        self.shell(
            "systemctl disable -q --now monitoring-agent-clock.timer 2>/dev/null;"
            " rm -f /etc/systemd/system/monitoring-agent*;"
            " systemctl stop telegraf 2>/dev/null; systemctl reset-failed telegraf 2>/dev/null;"
            " apt-mark unhold telegraf >/dev/null 2>&1; dpkg --purge --force-all telegraf >/dev/null 2>&1;"
            " rm -rf /etc/telegraf /etc/default/telegraf /etc/systemd/system/telegraf.service.d /var/lib/monitoring*"
            f" /run/monitoring-telegraf-restart /etc/apt; cp -a {BEFORE} /etc/apt; systemctl daemon-reload;"
            " getent passwd telegraf >/dev/null && userdel telegraf; true"
        )


@contextmanager
def ordinary_host(checkout: Path) -> Iterator[OrdinaryHost]:
    """Boot a machine; it is removed afterwards. checkout: an empty folder, from which its addresses are derived."""
    place = Place(checkout, "host")
    network.claim_slot(place)
    network.create(place)
    executor = ThreadPoolExecutor(1)
    try:
        prepare(place, ensure_packages())
        server = open_server(str(place.gateway), PORT, www_folder(place))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        machine = Machine(place, NAME, place.on_premise_addresses[0])
        keeper = HostKeeper(machine, executor, Host(NAME, machine.address))

        def running() -> int | None:
            keeper.turn()  # again if the first start has failed
            return machine.leader

        assert eventually(running)
        assert eventually(
            lambda: machine.run(["systemctl", "is-system-running"]).stdout.strip() in ("running", "degraded")
        )
        yield OrdinaryHost(machine, www_folder(place))
        server.shutdown()
        server.server_close()
    finally:
        executor.shutdown()
        cleanup(place)
        network.destroy(place)
