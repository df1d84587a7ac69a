"""`python tools/test_alert.py [--stack NAME]`: sends a message through each integration of each contact point of a
stack, and prints the results.

Asks the Pulumi CLI for the stack's outputs, and Grafana as its administrator. Ends with 1 when a message failed, or
when there is nothing to send through. Grafana's message may repeat a webhook's address, which is a secret: what
looks like an address is left out.

Grafana 13: pkg/registry/apps/alerting/notifications/receiver/handler.go. "Sent" means that the receiver accepted it.
"""

from __future__ import annotations

import argparse
import http.client
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Run as a script, whose folder is not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.answers import AnswerError, an_object, text_output, web_output
from tools.command import run
from tools.waiting import Grafana, NotYetError

API = "/apis/notifications.alerting.grafana.app/v1beta1/namespaces/default/receivers"
EXAMPLE = "grafana-default-email"
"""Grafana's own contact point, an example address."""
ALERT = {
    "labels": {"alertname": "Test", "severity": "none"},
    "annotations": {"summary": "A test of this contact point: nothing is wrong"},
}


class TestingError(Exception):
    """Nothing can be sent; the message says why."""


@dataclass(frozen=True)
class Sent:
    """The result of one message. error: empty if the receiver accepted it."""

    point: str
    way: str
    error: str

    def __str__(self) -> str:
        return f"{self.point}: {self.way}: {f'FAILED: {self.error}' if self.error else 'sent'}"


def without_addresses(text: str) -> str:
    """Grafana's message without what may be a secret address."""
    return re.sub(r"https?://[^\s\"']+", "(its address)", " ".join(text.split()))


def send(grafana: Grafana) -> Iterator[Sent]:
    """One message through each way. Raises NotYetError or TestingError when Grafana cannot be asked."""
    listed = grafana.ask("GET", API)
    if listed.status != http.client.OK:
        raise TestingError(f"Grafana does not list its contact points: {without_addresses(listed.message)}")
    for item in listed.content["items"]:
        title = item["spec"]["title"]
        for given in item["spec"]["integrations"] if title != EXAMPLE else ():
            # What is stored, as it was read: secret settings are referred to, and never leave Grafana.
            known = ("uid", "type", "version", "disableResolveMessage", "settings", "secureFields")
            integration = {key: given[key] for key in known if key in given}
            body = {"integration": integration, "alert": ALERT}
            answer = grafana.ask("POST", f"{API}/{item['metadata']['name']}/test", body)
            yield Sent(title, given["type"], _error(answer.status, answer.content, answer.message))


def _error(status: int, content: Any, message: str) -> str:
    if status != http.client.OK:
        return without_addresses(message)
    if content.get("status") == "success":
        return ""
    return without_addresses(str(content.get("error") or "no reason given"))


def outputs(stack: str | None) -> dict[str, Any]:
    """The stack's outputs. Raises TestingError with the CLI's own words."""
    which = ["--stack", stack] if stack else []
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", *which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TestingError(done.stderr.strip())
    found = an_object(done.stdout)
    if "grafanaUrl" not in found:
        raise TestingError("The stack has no Grafana yet: `pulumi up` makes it.")
    return found


def connected(known: Mapping[str, Any]) -> Grafana:
    """The stack's Grafana. Its certificate is your own, that of the stack's authority, or a public one."""
    host, port = web_output(known, "grafanaUrl")
    login = text_output(known, "grafanaAdminUser"), text_output(known, "grafanaAdminPassword")
    return Grafana(host, port, host, str(known.get("caCertificate") or ""), login, or_system=True)


def main(arguments: list[str]) -> int:
    """Send, and print a line each."""
    parser = argparse.ArgumentParser(prog="test_alert.py", description="Send one message through each contact point.")
    parser.add_argument("--stack", help="by default the selected one")
    given = parser.parse_args(arguments)
    sent = []
    try:
        for each in send(connected(outputs(given.stack))):
            print(each, flush=True)
            sent.append(each)
    except BrokenPipeError:  # of standard output: Grafana's are NotYetErrors
        raise
    except (TestingError, AnswerError) as error:
        print(error, file=sys.stderr)
        return 1
    except (NotYetError, OSError) as error:
        print(f"Grafana: {error}", file=sys.stderr)
        return 1
    if not sent:
        print("Nobody is notified: write `contactPoints`, then `pulumi up`.", file=sys.stderr)
    return 0 if sent and not any(each.error for each in sent) else 1


if __name__ == "__main__":
    run(main)
