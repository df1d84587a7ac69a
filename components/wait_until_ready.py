"""Waits until a new server is ready, telling on standard output what it waits for. Run by `Readiness`.

All inputs are environment variables named READY_… (see components/readiness.py). Ends with 0 when Grafana
answers and accepts its administrator's password, InfluxDB answers, and a fresh point of the server itself
is stored; with 1, and one clear reason, when the time is over or the boot script failed.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

PAUSE = 2.0
"""Seconds between two looks."""

CONSOLE_PAUSE = 15.0
"""Seconds between two looks at the console, which AWS renews more slowly than that anyway."""

FAILED = re.compile(r"monitoring: (boot failed at line .*)")
PROGRESS = re.compile(r"monitoring: (.*)")


class NotYetError(Exception):
    """Something is not ready yet; the message says what, in words fit for a progress line."""


@dataclass(frozen=True)
class Endpoint:
    """An HTTPS server: where to connect to, the name its certificate must be valid for, and who signed it."""

    address: str
    port: int
    server_name: str
    ca: str

    def get(self, path: str, login: tuple[str, str] | None = None) -> tuple[int, str]:
        """Status and body of a GET. Raises NotYetError when there is no answer or the certificate does not
        fit."""
        context = ssl.create_default_context(cadata=self.ca or None)
        headers = {"Host": f"{self.server_name}:{self.port}"}
        if login:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        try:
            plain = socket.create_connection((self.address, self.port), timeout=10)
            with context.wrap_socket(plain, server_hostname=self.server_name) as secure:
                connection = http.client.HTTPConnection(self.address, self.port)
                connection.sock = secure
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.read(1_000_000).decode(errors="replace")
        except ssl.SSLCertVerificationError as error:
            raise NotYetError(f"its certificate is not the expected one ({error.verify_message})") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotYetError(f"no answer ({error.__class__.__name__})") from error


def check_grafana(grafana: Endpoint, password: str) -> None:
    """Grafana is healthy and its administrator's password is the generated one."""
    status, _ = grafana.get("/api/health")
    if status != http.client.OK:
        raise NotYetError(f"is not healthy yet (status {status})")
    status, _ = grafana.get("/api/org", ("admin", password))
    if status != http.client.OK:
        raise NotYetError(f"does not accept the administrator's password yet (status {status})")


def check_influxdb(influxdb: Endpoint) -> None:
    """InfluxDB answers over TLS."""
    status, _ = influxdb.get("/ping")
    if status not in (http.client.OK, http.client.NO_CONTENT):
        raise NotYetError(f"is not healthy yet (status {status})")


@dataclass(frozen=True)
class Store:
    """A database of InfluxDB, and who may read it."""

    influxdb: Endpoint
    database: str
    login: tuple[str, str]

    def has(self, query: str) -> bool:
        """Whether there is any value. Raises NotYetError when the question is refused."""
        status, body = self.influxdb.get(f"/query?db={quote(self.database)}&q={quote(query)}", self.login)
        if status != http.client.OK:
            raise NotYetError(f"not to be asked for yet (status {status})")
        return '"values"' in body


def escaped(text: str) -> str:
    """A text between the apostrophes of InfluxQL."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def check_point(store: Store, host: str) -> None:
    """A point of `host` not older than a minute is stored."""
    condition = f"\"host\" = '{escaped(host)}' AND time > now() - 1m"
    if not store.has(f'SELECT last("uptime") FROM "system" WHERE {condition}'):  # noqa: S608 - escaped, and read-only
        raise NotYetError("not stored yet")


def check_revision(store: Store, host: str, instance: str, revision: int) -> None:
    """This very instance has applied this revision of the stack's parameters, or a later one."""
    condition = f'"host" = \'{escaped(host)}\' AND "instance" = \'{escaped(instance)}\' AND "revision" >= {revision}'
    if not store.has(f'SELECT "revision" FROM "monitoring_server" WHERE {condition}'):  # noqa: S608 - escaped
        raise NotYetError(f"revision {revision} is not applied yet")


def console(region: str, instance: str) -> str:
    """The instance's console output so far; empty when AWS does not give it."""
    try:
        client = boto3.client("ec2", region_name=region)
        return str(client.get_console_output(InstanceId=instance, Latest=True).get("Output", ""))
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnsupportedOperation":  # Latest needs a Nitro instance
            return ""
    except BotoCoreError:
        return ""
    try:
        return str(client.get_console_output(InstanceId=instance).get("Output", ""))
    except (ClientError, BotoCoreError):
        return ""


def wait(checks: list[tuple[str, Callable[[], None]]], read_console: Callable[[], str], timeout: float) -> str | None:
    """Run the checks in order, each until it succeeds. Returns None, or why it cannot be (one or more lines).

    The console is read meanwhile: the boot script's progress is shown, a new failure of it ends the waiting. The
    one that is there from the beginning is an earlier attempt's: the server tries again by itself.
    """
    end = time.monotonic() + timeout
    earlier = last_failure(read_console())
    shown = latest = why = ""
    next_console = 0.0
    for name, check in checks:
        while True:
            try:
                check()
            except NotYetError as error:
                why = f"{name}: {error}"
            else:
                tell(f"{name}: ready")
                break
            if time.monotonic() >= next_console:
                output = read_console()
                failed = last_failure(output)
                if failed not in ("", earlier):
                    return f"the server's {failed}"
                lines = PROGRESS.findall(output)
                latest = f" · server: {lines[-1].strip()}" if lines else ""
                next_console = time.monotonic() + CONSOLE_PAUSE
            if why + latest != shown:
                shown = why + latest
                tell(shown)
            if time.monotonic() >= end:
                return f"not ready after {timeout:.0f} s; {shown}"
            time.sleep(PAUSE)
    return None


def last_failure(console: str) -> str:
    """The newest failure on the console, with its time; "" when there is none."""
    found = FAILED.findall(console)
    return found[-1].strip() if found else ""


def tell(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


def main() -> int:
    env = {key.removeprefix("READY_"): value for key, value in os.environ.items() if key.startswith("READY_")}
    grafana = Endpoint(env["ADDRESS"], 3000, env["SERVER_NAME"], env["CA"])
    url = urlsplit(env["INFLUXDB_URL"])
    influxdb = Endpoint(url.hostname or "", url.port or 443, env["INFLUXDB_NAME"], env["INFLUXDB_CA"])
    store = Store(influxdb, env["DATABASE"], (env["USERNAME"], env["PASSWORD"]))
    region, instance, host = env["REGION"], env["INSTANCE"], env["HOST"]
    why = wait(
        [
            ("InfluxDB", lambda: check_influxdb(influxdb)),
            ("server", lambda: check_revision(store, host, instance, int(env["REVISION"]))),
            # Only now: Grafana shuts out who comes with a wrong password five times, be it just not yet the right one.
            ("Grafana", lambda: check_grafana(grafana, env["GRAFANA_PASSWORD"])),
            ("first measurement", lambda: check_point(store, host)),
        ],
        lambda: console(region, instance),
        float(env["TIMEOUT"]),
    )
    if why is None:
        return 0
    tell(f"The server is not ready: {why}")
    tell(f"See more: aws ec2 get-console-output --region {region} --instance-id {instance} --output text")
    tell("When the cause is removed, run `pulumi up` again; it goes on from here.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
