"""`python -m sandbox.machines` is the daemon; with a command, it inspects or controls machines.

    python -m sandbox.machines list                       list all machines
    python -m sandbox.machines exec MACHINE COMMAND…      run a command inside as root
    python -m sandbox.machines console MACHINE            show what it wrote to its console
    python -m sandbox.machines reboot MACHINE             reboot it, or switch it on if it has lost its power
    python -m sandbox.machines power-off MACHINE          cut the power
    python -m sandbox.machines cut-network MACHINE        pull the network cable
    python -m sandbox.machines restore-network MACHINE    plug the cable back in

MACHINE is an instance id, a Name tag, an address, or an on-premise host's name.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from sandbox import daemons
from sandbox.errors import SandboxError, status_of
from sandbox.machines import cleanup
from sandbox.machines.aws import HOME_REGION, Aws, Regions
from sandbox.machines.image import ensure_image
from sandbox.machines.keeper import reboot_request
from sandbox.machines.register import all_machines, find
from sandbox.machines.system import shell_status
from sandbox.machines.watch import Watch
from sandbox.place import Place

WORKERS = 8
AWS_SECONDS = 15


def daemon(place: Place) -> int:
    """Run until SIGTERM or SIGINT, then power off all machines and release everything."""
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    ensure_image()
    cleanup(place)  # after a kill -9, machines keep running without a keeper: end them, to boot them again
    executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="machine")
    with ExitStack() as until_clean:
        try:
            aws = Aws(place)
            watch = Watch(place, aws, Regions(place, _regions(aws)), executor)
            until_clean.enter_context(daemons.ready(place, "machines"))
            watch.run(stopping)
        finally:
            cleanup(place)
            executor.shutdown(wait=True, cancel_futures=True)
            cleanup(place)  # for a machine that was just being booted
    return 0


def _regions(aws: Aws) -> list[str]:
    """The names of all regions. Retries for a few seconds, as AWS may still be starting."""
    deadline = time.monotonic() + AWS_SECONDS
    while True:
        try:
            return [region["RegionName"] for region in aws.ec2(HOME_REGION).describe_regions()["Regions"]]
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > deadline:
                raise SandboxError(f"The local AWS does not answer: {error}") from error
            time.sleep(0.2)


def control(place: Place, command: str, arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if command == "list" and not arguments:
        for machine in all_machines(place):
            print(f"{machine.id}\t{machine.address}\t{'on' if machine.leader else 'off'}")
        return 0
    if not arguments or (command == "exec") != (len(arguments) > 1):
        raise SandboxError((__doc__ or "").strip())
    machine = find(place, arguments[0])
    match command:
        case "exec":
            return shell_status(subprocess.run(machine.inside(arguments[1:]), check=False).returncode)
        case "console":
            print(machine.console.read_text(errors="replace"), end="")
        case "reboot":
            reboot_request(place, machine.id).touch()
        case "power-off":
            machine.power_off()
        case "cut-network":
            machine.cut_network()
        case "restore-network":
            machine.restore_network()
        case _:
            raise SandboxError((__doc__ or "").strip())
    return 0


def main(arguments: list[str]) -> int:
    """Run the daemon, or the command in `arguments`; returns the exit status."""
    place = Place.here()
    return status_of(lambda: control(place, arguments[0], arguments[1:]) if arguments else daemon(place))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
