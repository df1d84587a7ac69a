"""Waits until Grafana shows data from each of its datasources, queried as a dashboard would. Run by `Answers`.

All inputs are environment variables named READY_… (see components/readiness.py). Exits with status 0 once InfluxDB has
returned a new measurement of the server, and CloudWatch a list of metrics for every account; with 1 and Grafana's own
error if one of them has not in time.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlencode

from tools.waiting import Answer, Grafana, NotYetError, environment, tell, wait

CONSISTENCY = 180.0
"""Seconds in which a new access key becomes known everywhere: IAM is eventually consistent
(docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html), usually within seconds."""

CURES = {
    "InfluxDB": "Look at the server's logs: journalctl -u telegraf -u influxdb -u grafana-server. If `influxdb` is "
    "set, check that its user may read and write that database.",
    "CloudWatch": "Check that the access key is active and its user still has the policy (`cloudwatchAuth: role`: the "
    "server's role); a higher accessKeyGeneration creates a new key.",
}


def refusal(answer: Answer) -> str | None:
    """Why a query failed; None if it did not. The error can be in the query's result (pkg/api/ds_query.go)."""
    if answer.status == http.client.OK:
        return None
    results = answer.content.get("results", {}) if isinstance(answer.content, dict) else {}
    if error := results.get("A", {}).get("error"):
        return Answer(answer.status, {"message": error}).message
    return answer.message


class Measurements:
    """The InfluxDB datasource, queried for the newest point in which `host` reports that it has applied `revision`.

    The first check only notes the point's time, and later ones wait for a newer point: what was stored before this run
    proves nothing about it. All agents write with one login, under any name, and cannot read; only the server knows the
    revision, which is made with a secret of the stack (program/revision.py)."""

    def __init__(self, grafana: Grafana, host: str, revision: str) -> None:
        self._grafana = grafana
        escaped = host.replace("\\", "\\\\").replace("'", "\\'")
        self._query = (
            f'SELECT last("revision") FROM "monitoring_server" WHERE "host"::tag = \'{escaped}\''  # noqa: S608
            f" AND \"revision\" = '{revision}' AND time > now() - 1d"
        )
        self._before: float | None = None

    def newest(self) -> float:
        """When the newest point was measured, in milliseconds; 0 when there is none."""
        query = {
            "refId": "A",
            "datasource": {"uid": "influxdb", "type": "influxdb"},
            "query": self._query,
            "rawQuery": True,
            "resultFormat": "time_series",
        }
        answer = self._grafana.ask("POST", "/api/ds/query", {"queries": [query], "from": "now-1d", "to": "now"})
        if why := refusal(answer):
            raise NotYetError(f"Grafana cannot query it: {why}")
        frames = answer.content["results"]["A"].get("frames") or []
        return max((time for frame in frames for time in frame["data"]["values"][:1] for time in time), default=0.0)

    def __call__(self) -> None:
        found = self.newest()
        if self._before is None:
            self._before = found
        if found <= self._before:
            raise NotYetError("no new measurement of the server has arrived yet")


def check_cloudwatch(grafana: Grafana, region: str, uid: str = "cloudwatch") -> None:
    """Check that CloudWatch lists metrics for the datasource, even if there are none.

    The plugin requests a dimension's values from AWS (ListMetrics); it has built-in names of metrics and namespaces
    (pkg/tsdb/cloudwatch/routes)."""
    asked = {
        "region": region,
        "namespace": "AWS/EC2",
        "metricName": "CPUUtilization",
        "dimensionKey": "InstanceId",
        "dimensionFilters": "{}",
    }
    answer = grafana.ask("GET", f"/api/datasources/uid/{uid}/resources/dimension-values?{urlencode(asked)}")
    if answer.status != http.client.OK:
        raise NotYetError(f"Grafana cannot query it: {answer.message}")
    if not isinstance(answer.content, list):
        raise NotYetError("Grafana did not answer with a list of metrics")


def cure(account: Mapping[str, str]) -> str:
    """What to do when another account does not let Grafana in."""
    return (
        f"Check that the role {account['role']} has the two policies that `pulumi stack output cloudwatchAccounts` "
        f"shows for {account['name']}. The trust policy must name this stack's identity and the external ID in the "
        "settings: docs/accounts.md."
    )


def shows(name: str, check: Callable[[], None], seconds: float, remedy: str) -> bool:
    """Whether a datasource shows data in time; prints what to do if not."""
    why = wait([(name, check)], lambda: "", seconds)
    if why is not None:
        tell(f"Grafana shows no data from {name}: {why}. {remedy}")
    return why is None


def main() -> int:
    env = environment()
    grafana = Grafana.from_environment(env)
    timeout = float(env["TIMEOUT"])
    until = time.monotonic() + min(timeout, CONSISTENCY)
    own = partial(check_cloudwatch, grafana, env["CLOUDWATCH_REGION"])
    good = shows("CloudWatch", own, min(timeout, CONSISTENCY), CURES["CloudWatch"])
    for account in json.loads(env.get("CLOUDWATCH_ACCOUNTS", "[]")):
        check = partial(check_cloudwatch, grafana, account["region"], account["uid"])
        # Each is queried at least once, however long the others took.
        left = max(0.0, until - time.monotonic())
        good = shows(f"CloudWatch {account['name']}", check, left, cure(account)) and good
    good = shows("InfluxDB", Measurements(grafana, env["HOST"], env["REVISION"]), timeout, CURES["InfluxDB"]) and good
    if not good:
        tell("Once the cause is fixed, run `pulumi up` again; it continues from here.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
