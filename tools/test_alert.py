"""`python tools/test_alert.py [--stack NAME]`: sends a message through each integration of each contact point of a
stack, and prints the results.

Logs in to Grafana as its administrator, with the stack's outputs. Exits with status 1 when a message failed, or when
there is nothing to send through. Grafana's error can repeat a webhook's address, which is a secret: anything that looks
like an address is left out.

Grafana 13: pkg/registry/apps/alerting/notifications/receiver/handler.go. "Sent" means that the receiver accepted it.
"""

from __future__ import annotations

import argparse
import http.client
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# When run as a script, sys.path has this folder instead of the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.command import run
from tools.pulumi_cli import AnswerError, json_object, pulumi
from tools.waiting import Grafana, NotYetError

API = "/apis/notifications.alerting.grafana.app/v1beta1/namespaces/default/receivers"
EXAMPLE = "grafana-default-email"
"""The contact point that Grafana comes with, which has an example address."""
ALERT = {
    "labels": {"alertname": "Test", "severity": "none"},
    "annotations": {"summary": "A test of this contact point: nothing is wrong"},
}


class TestingError(Exception):
    """Nothing can be sent; the message says why."""


@dataclass(frozen=True)
class Sent:
    """The result of one message. way: the type of the integration. error: empty if the receiver accepted it."""

    point: str
    way: str
    error: str

    def __str__(self) -> str:
        return f"{self.point}: {self.way}: {f'FAILED: {self.error}' if self.error else 'sent'}"


def without_addresses(text: str) -> str:
    """Grafana's message without addresses, which can be secret."""
    return re.sub(r"https?://[^\s\"']+", "(its address)", " ".join(text.split()))


def send(grafana: Grafana) -> Iterator[Sent]:
    """Send one message through each integration. Raises NotYetError or TestingError when Grafana does not answer."""
    listed = grafana.ask("GET", API)
    if listed.status != http.client.OK:
        raise TestingError(f"Grafana does not list its contact points: {without_addresses(listed.message)}")
    for item in listed.content["items"]:
        title = item["spec"]["title"]
        for given in item["spec"]["integrations"] if title != EXAMPLE else ():
            # The stored integration as it was read: secrets are only referred to, and never leave Grafana.
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
    """The stack's outputs. Raises AnswerError, or TestingError if there is no Grafana."""
    which = ["--stack", stack] if stack else []
    found = json_object(pulumi("stack", "output", "--json", "--show-secrets", *which))
    if "grafanaUrl" not in found:
        raise TestingError("The stack has no Grafana yet: `pulumi up` creates it.")
    return found


def main(arguments: list[str]) -> int:
    """Send the messages and print one line each."""
    parser = argparse.ArgumentParser(prog="test_alert.py", description="Send one message through each contact point.")
    parser.add_argument("--stack", help="by default the selected stack")
    given = parser.parse_args(arguments)
    sent = []
    try:
        for each in send(Grafana.from_outputs(outputs(given.stack))):
            print(each, flush=True)
            sent.append(each)
    except BrokenPipeError:  # from standard output: those of the connection to Grafana are NotYetErrors
        raise
    except (TestingError, AnswerError) as error:
        print(error, file=sys.stderr)
        return 1
    except (NotYetError, OSError) as error:
        print(f"Grafana: {error}", file=sys.stderr)
        return 1
    if not sent:
        print("No one is notified: set `contactPoints`, then run `pulumi up`.", file=sys.stderr)
    return 0 if sent and not any(each.error for each in sent) else 1


if __name__ == "__main__":
    run(main)
