"""Instances of Timestream for InfluxDB: each is an InfluxDB 2.7 in its own network namespace, with the address of its
network interface, behind its security groups, set up with the login that AWS keeps in Secrets Manager.

The namespace and its cable end with the process, so nothing else has to be removed.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox import toolchain
from sandbox.errors import SandboxError
from sandbox.machines import network
from sandbox.machines.fleet import Instance
from sandbox.machines.guest import INTERFACE
from sandbox.machines.machine import Machine
from sandbox.machines.system import run
from sandbox.place import Place
from sandbox.toolchain.recipes import FOR_TESTS

if TYPE_CHECKING:
    from sandbox.machines.aws import Aws

START_SECONDS = 60
RETRY_SECONDS = 15

SET_UP = """
import json, ssl, sys, urllib.request
address, login = sys.argv[1], json.load(sys.stdin)
context = ssl._create_unverified_context()

def ask(path, body=None):
    request = urllib.request.Request(f"{address}/{path}", body and json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return json.load(answer)

if ask("api/v2/setup")["allowed"]:
    ask("api/v2/setup", login)
"""
"""Runs in the namespace, as security groups decide who gets in from outside. The peer is known, so its certificate is
not verified."""

log = logging.getLogger("machines")


@dataclass(frozen=True)
class Database:
    """One instance, as AWS describes it.

    endpoint: its host name. public_address: None unless it is publicly accessible.
    """

    id: str
    region: str
    endpoint: str
    port: int
    secret: str
    address: IPv4Address
    public_address: IPv4Address | None
    groups: tuple[str, ...]

    @property
    def as_instance(self) -> Instance:
        """The instance that the firewall treats it as."""
        return Instance(self.id, self.region, "running", "", "", self.address, self.public_address, groups=self.groups)


def read(aws: Aws, region: str, known: Iterable[Database]) -> tuple[Database, ...]:
    """The region's databases. A known one is not described again, as nothing about it changes. Empty where the service
    is refused, as in regions without it. Raises botocore's errors when AWS does not answer."""
    before = {each.id: each for each in known}
    try:
        listed = [str(each["id"]) for each in aws.timestream(region).list_db_instances()["items"]]
    except ClientError:
        if before:
            raise
        return ()
    return tuple(before.get(id_) or _described(aws, region, id_) for id_ in listed)


def _described(aws: Aws, region: str, id_: str) -> Database:
    found = aws.timestream(region).get_db_instance(identifier=id_)
    about: Any = [{"Name": "description", "Values": [f"timestream-influxdb {id_}"]}]
    (interface,) = aws.ec2(region).describe_network_interfaces(Filters=about)["NetworkInterfaces"]
    public = interface.get("Association", {}).get("PublicIp")
    return Database(
        id=id_,
        region=region,
        endpoint=str(found["endpoint"]),
        port=int(found["port"]),
        secret=str(found["influxAuthParametersSecretArn"]),
        address=IPv4Address(interface["PrivateIpAddress"]),
        public_address=IPv4Address(public) if public else None,
        groups=tuple(group["GroupId"] for group in interface["Groups"]),
    )


def add_names(databases: Iterable[Database], machines: Iterable[Machine]) -> None:
    """Add the endpoints to the machines' /etc/hosts as DNS would resolve them: within the VPC to the private address,
    elsewhere to the public one, if there is one."""
    for machine in machines:
        hosts = machine.root / "etc/hosts"
        if not hosts.exists():
            continue
        written, missing = hosts.read_text(), ""
        for each in databases:
            inside = machine.address in machine.place.vpc or each.public_address is None
            line = f"{each.address if inside else each.public_address} {each.endpoint}\n"
            missing += "" if line in written else line
        if missing:
            with hosts.open("a") as file:
                file.write(missing)


class DatabaseKeeper:
    """Keeps the InfluxDB of one instance running. Once it answers, its folder has the file `available`."""

    def __init__(self, place: Place, executor: Executor, aws: Aws, database: Database) -> None:
        self.database = database
        self._place, self._executor, self._aws = place, executor, aws
        self._folder = place.state / "databases" / database.id
        self._process: subprocess.Popen[bytes] | None = None
        self._job: Future[None] | None = None
        self._failed = -float("inf")

    def turn(self) -> None:
        """Must be called every second while the instance exists."""
        busy = self._job is not None and not self._job.done()
        alive = self._process is not None and self._process.poll() is None
        if not busy and not alive and time.monotonic() - self._failed > RETRY_SECONDS:
            self._job = self._executor.submit(self._start)

    def remove(self) -> None:
        """Stop the database and delete its data."""
        if self._job is not None and not self._job.done():
            self._job.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        log.info("%s is gone", self.database.id)

    def _start(self) -> None:
        try:
            self._boot()
        except (SandboxError, BotoCoreError, ClientError, OSError) as error:
            self._failed = time.monotonic()
            log.error("%s: %s", self.database.id, error)

    def _boot(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "available").unlink(missing_ok=True)
        self._process = process = self._influxd(toolchain.ensure(FOR_TESTS) / "influxd2")
        _plug_in(self._place, self.database.address, process.pid)
        login = json.loads(self._aws.secret(self.database.region, self.database.secret))
        self._set_up(process, {"username": login["username"], "password": login["password"]} | _initial(login))
        (self._folder / "available").touch()
        log.info("%s answers at %s", self.database.id, self.database.address)

    def _influxd(self, program: Path) -> subprocess.Popen[bytes]:
        place, folder = self._place, self._folder
        files = {"--bolt-path": folder / "bolt", "--engine-path": folder / "engine", "--sqlite-path": folder / "sqlite"}
        files |= {"--tls-cert": place.state / "cloud/server.pem", "--tls-key": place.state / "cloud/server.key"}
        options = [str(word) for pair in files.items() for word in pair]
        options += ["--http-bind-address", f"0.0.0.0:{self.database.port}"]
        with (place.logs / "databases.log").open("ab") as sink:
            return subprocess.Popen(
                ["unshare", "--net", "--", str(program), *options, "--reporting-disabled", "--log-level", "warn"],
                env=os.environ | {"HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def _set_up(self, process: subprocess.Popen[bytes], login: Mapping[str, object]) -> None:
        """Create the first user, organization and bucket. Raises SandboxError, with the last error, when InfluxDB does
        not answer in time."""
        url, deadline = f"https://127.0.0.1:{self.database.port}", time.monotonic() + START_SECONDS
        inside = ["nsenter", f"--target={process.pid}", "--net", "--"]
        while True:
            try:
                run(*inside, sys.executable, "-c", SET_UP, url, stdin=json.dumps(login))
                return
            except SandboxError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def _initial(login: Mapping[str, str]) -> dict[str, object]:
    """The organization and bucket as AWS makes them; the bucket keeps everything."""
    return {"org": login["organization"], "bucket": login["bucket"], "retentionPeriodSeconds": 0}


def _plug_in(place: Place, address: IPv4Address, pid: int) -> None:
    """Connect the host and the process's namespace with a veth pair."""
    deadline = time.monotonic() + START_SECONDS
    while Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
        if time.monotonic() > deadline:
            raise SandboxError("InfluxDB did not get its own network namespace")
        time.sleep(0.02)
    port, inside = network.port_name(place, address), ["nsenter", f"--target={pid}", "--net", "--", "ip"]
    run("ip", "link", "add", port, "type", "veth", "peer", "name", INTERFACE, "netns", str(pid))
    for words in (
        ("link", "set", "lo", "up"),
        ("address", "add", f"{address}/32", "dev", INTERFACE),
        ("link", "set", INTERFACE, "up"),
        ("route", "add", str(place.gateway), "dev", INTERFACE, "scope", "link"),
        ("route", "add", "default", "via", str(place.gateway), "dev", INTERFACE),
    ):
        run(*inside, *words)
    if not network.plug_in(place, address):
        raise SandboxError(f"the network cable of {address} is gone")
