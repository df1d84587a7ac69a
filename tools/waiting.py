"""What the two gates of `pulumi up` share: requests to Grafana, waiting with progress, the server's console.

They use only Grafana's port: the machine that runs Pulumi is in `operatorCidrs`, but not necessarily in `agentCidrs`.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from program.identity import identity
from program.trust import basic, trusting
from tools.pulumi_cli import text_output, web_output

PAUSE = 2.0
"""Seconds between two checks."""

CONSOLE_PAUSE = 15.0
"""Seconds between two reads of the console, which AWS updates even less often."""

LARGEST_ANSWER = 10_000_000
"""Bytes of an answer that are read: several times an imported dashboard's (dashboards/from_files.py)."""

LONGEST_MESSAGE = 400
"""Characters of a message from Grafana that are shown."""

FAILED = re.compile(r"monitoring: (boot failed at line .*)")
PROGRESS = re.compile(r"monitoring: (.*)")


class NotYetError(Exception):
    """Something is not ready yet; the message says what, in a form that fits a progress line."""


@dataclass(frozen=True)
class Answer:
    """Grafana's answer: the status, and the body's JSON (None if it is not JSON)."""

    status: int
    content: Any

    @property
    def message(self) -> str:
        """Why Grafana or its plugin refused, in its own words (pkg/tsdb/cloudwatch/models/http_error.go: `Message`)."""
        found = self.content if isinstance(self.content, dict) else {}
        words = found.get("message") or found.get("Message") or found.get("error") or "no reason given"
        return f"{' '.join(str(words).split())[:LONGEST_MESSAGE]} (status {self.status})"


@dataclass(frozen=True)
class Grafana:
    """A Grafana: where to connect, the name its certificate must be valid for, who signed it (PEM, "" for the system's
    authorities), and the login. or_system: whether to trust the system's authorities as well."""

    address: str
    port: int
    server_name: str
    ca: str
    login: tuple[str, str] = field(repr=False)
    or_system: bool = False

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Grafana:
        """The Grafana that components/readiness.py describes."""
        login = env["USER"], env["PASSWORD"]
        return cls(env["ADDRESS"], int(env["PORT"]), env["SERVER_NAME"], env["CA"], login)

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> Grafana:
        """The Grafana of a stack, whose certificate is yours, one from the stack's authority, or a public one.

        Raises AnswerError when an output is missing or malformed.
        """
        host, port = web_output(outputs, "grafanaUrl")
        login = text_output(outputs, "grafanaAdminUser"), text_output(outputs, "grafanaAdminPassword")
        return cls(host, port, host, str(outputs.get("caCertificate") or ""), login, or_system=True)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Grafana's answer. Raises NotYetError when there is none, or when the certificate is not the expected one."""
        context = trusting(self.ca or None, or_system=self.or_system)
        headers = {
            "Host": f"{self.server_name}:{self.port}",
            "Authorization": basic(*self.login),
            "Content-Type": "application/json",
        }
        try:
            plain = socket.create_connection((self.address, self.port), timeout=10)
            with context.wrap_socket(plain, server_hostname=self.server_name) as secure:
                secure.settimeout(60)
                connection = http.client.HTTPConnection(self.address, self.port)
                connection.sock = secure
                connection.request(method, path, json.dumps(body) if body is not None else None, headers)
                answer = connection.getresponse()
                text = answer.read(LARGEST_ANSWER).decode(errors="replace")
        except ssl.SSLCertVerificationError as error:
            raise NotYetError(f"its certificate is not the expected one ({error.verify_message})") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotYetError(f"no answer ({error.__class__.__name__})") from error
        try:
            return Answer(answer.status, json.loads(text))
        except ValueError:
            return Answer(answer.status, None)


def environment() -> dict[str, str]:
    """What components/readiness.py passes to a command: the variables READY_…, without that prefix."""
    return {key.removeprefix("READY_"): value for key, value in os.environ.items() if key.startswith("READY_")}


class Console:
    """An instance's console, read with the AWS provider's identity. If AWS does not allow that, this is reported once,
    and the gate waits without the console."""

    def __init__(self, given: Mapping[str, Any], region: str, instance: str) -> None:
        self._given, self._region, self._instance = given, region, instance
        self._client: Any = None
        self._silent = False

    def read(self) -> str:
        """The output so far; empty if AWS does not return it."""
        try:
            self._client = self._client or identity(self._given, self._region).client("ec2")
            return self._output()
        except (ClientError, BotoCoreError, OSError) as error:
            if not self._silent:
                tell(f"The server's console cannot be read, so its progress is not shown: {error}")
            self._silent = True
            return ""

    def _output(self) -> str:
        try:
            found = self._client.get_console_output(InstanceId=self._instance, Latest=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "UnsupportedOperation":  # Latest needs a Nitro instance
                raise
            found = self._client.get_console_output(InstanceId=self._instance)
        return str(found.get("Output", ""))


Check = tuple[str, Callable[[], None]]
"""The name of what is waited for, and a function that raises NotYetError until it is ready."""


def wait(checks: list[Check], read_console: Callable[[], str], timeout: float) -> str | None:
    """Run the checks in order, each until it succeeds. Returns None, or why one cannot succeed (one or more lines).

    Meanwhile the console is read: the boot script's progress is shown, and a new failure ends the wait. A failure that
    is already on the console at the start is from an earlier attempt: the server retries by itself.
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
    """The newest failure on the console; "" if there is none."""
    found = FAILED.findall(console)
    return found[-1].strip() if found else ""


def tell(line: str) -> None:
    """Print one line of progress immediately."""
    print(line, flush=True)
