"""Waits until the server is what this `pulumi up` describes, printing what it waits for. Run by `Readiness`.

All inputs are environment variables named READY_… (see components/readiness.py). Exits with status 0 once Grafana
answers and the server has reported, as the automation's user, that exactly this instance has applied exactly this
revision; with 1 and the reason if time runs out or the boot script fails.
"""

from __future__ import annotations

import http.client
import json
import sys

from tools.waiting import Console, Grafana, NotYetError, environment, tell, wait


def check_grafana(grafana: Grafana) -> None:
    """Check that Grafana is healthy."""
    answer = grafana.ask("GET", "/api/health")
    if answer.status != http.client.OK:
        raise NotYetError(f"is not healthy yet (status {answer.status})")


def applied(revision: str, instance: str) -> str:
    """The name that the server gives its user after applying a revision (userdata/boot.sh)."""
    return f"{revision} on {instance}"


def check_applied(grafana: Grafana, wanted: str) -> None:
    """Check that the server has applied exactly these parameters: it names the automation's user after them.

    Only that user and Grafana's administrators can rename it; agents cannot. Before the server has created the user,
    a login with its name fails, but locks nothing (components/passwords.py)."""
    answer = grafana.ask("GET", "/api/user")
    if answer.status == http.client.UNAUTHORIZED:
        raise NotYetError("has not created Pulumi's user in Grafana yet")
    if answer.status != http.client.OK:
        raise NotYetError(f"cannot be queried yet: {answer.message}")
    if answer.content["name"] != wanted:
        raise NotYetError("has not applied this revision of its parameters yet")


def main() -> int:
    env = environment()
    grafana = Grafana.from_environment(env)
    region, instance = env["REGION"], env["INSTANCE"]
    wanted = applied(env["REVISION"], instance)
    why = wait(
        [
            ("Grafana", lambda: check_grafana(grafana)),
            ("server", lambda: check_applied(grafana, wanted)),
        ],
        Console(json.loads(env.get("AWS", "{}")), region, instance).read,
        float(env["TIMEOUT"]),
    )
    if why is None:
        return 0
    tell(f"The server is not ready: {why}")
    tell(f"For details: aws ec2 get-console-output --region {region} --instance-id {instance} --output text")
    tell("Once the cause is fixed, run `pulumi up` again; it continues from here.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
