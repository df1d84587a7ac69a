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


def check_point(influxdb: Endpoint, database: str, login: tuple[str, str], host: str) -> None:
    """A point of `host` not older than a minute is stored."""
    escaped = host.replace("\\", "\\\\").replace("'", "\\'")
    condition = f"\"host\" = '{escaped}' AND time > now() - 1m"
    query = f'SELECT last("uptime") FROM "system" WHERE {condition}'  # noqa: S608 - escaped, and read-only
    status, body = influxdb.get(f"/query?db={quote(database)}&q={quote(query)}", login)
    if status != http.client.OK:
        raise NotYetError(f"not to be asked for yet (status {status})")
    if '"values"' not in body:
        raise NotYetError("not stored yet")


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

    The console is read meanwhile: the boot script's progress is shown, its failure ends the waiting.
    """
    end = time.monotonic() + timeout
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
                failed = FAILED.search(output)
                if failed:
                    return f"the server's {failed.group(1).strip()}"
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


def tell(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


def main() -> int:
    env = {key.removeprefix("READY_"): value for key, value in os.environ.items() if key.startswith("READY_")}
    grafana = Endpoint(env["ADDRESS"], 3000, env["SERVER_NAME"], env["CA"])
    url = urlsplit(env["INFLUXDB_URL"])
    influxdb = Endpoint(url.hostname or "", url.port or 443, env["INFLUXDB_NAME"], env["INFLUXDB_CA"])
    login = (env["USERNAME"], env["PASSWORD"])
    region, instance = env["REGION"], env["INSTANCE"]
    why = wait(
        [
            ("Grafana", lambda: check_grafana(grafana, env["GRAFANA_PASSWORD"])),
            ("InfluxDB", lambda: check_influxdb(influxdb)),
            ("first measurement", lambda: check_point(influxdb, env["DATABASE"], login, env["HOST"])),
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
