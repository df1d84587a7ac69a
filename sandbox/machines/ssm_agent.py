"""The SSM agent of an instance: runs, as root, the documents that State Manager associates with the instance.

Like the real agent, it calls AWS with the credentials of the instance's own role, from the metadata service inside the
machine; without the permissions of AmazonSSMManagedInstanceCore it is refused. Debian's images have no agent: an
instance has one as soon as the folder of the agent's package exists.

Follows github.com/aws/amazon-ssm-agent: agent/association (what it asks), agent/plugins/runscript (how it runs a
script), agent/framework/docparser (how parameters are filled in).
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from pathlib import PurePosixPath
from typing import Any
from urllib.error import HTTPError, URLError

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.errors import SandboxError
from sandbox.machines.machine import Machine

FOLDER = "etc/amazon/ssm"
"""The folder of the package's settings: machines that have it run the agent."""

DATA_FOLDER = PurePosixPath("/var/lib/amazon/ssm")
POLL_SECONDS = 5.0
"""The real agent is notified when there is something to do, and polls only every few minutes."""

CREDENTIALS = """
url=http://169.254.169.254/latest
token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $url/api/token) || exit
get() { curl -sf -H "X-aws-ec2-metadata-token: $token" $url/meta-data/iam/security-credentials/$1; }
get "$(get)"
"""
UNITS = {"minute": 60, "hour": 3600, "day": 86400}

log = logging.getLogger("machines")


class SsmAgent:
    """The agent of one machine; each call of `turn` lets it poll."""

    def __init__(self, machine: Machine, executor: Executor, region: str) -> None:
        self._machine, self._executor, self._region = machine, executor, region
        self._job: Future[None] | None = None
        self._polled = -float("inf")
        self._ran: dict[str, tuple[tuple[str, int], float]] = {}
        self._complaint = ""

    def turn(self) -> None:
        """Must be called every second while the machine is running."""
        busy = self._job is not None and not self._job.done()
        if busy or time.monotonic() - self._polled < POLL_SECONDS or not (self._machine.root / FOLDER).is_dir():
            return
        self._polled = time.monotonic()
        self._job = self._executor.submit(self._poll)

    def _poll(self) -> None:
        """Run whatever is due. An error is logged, unless it is the same as the last time."""
        try:
            self._run_due_associations()
            self._complaint = ""
        except (SandboxError, URLError, OSError, subprocess.TimeoutExpired, ValueError) as error:
            if str(error) != self._complaint:
                log.error("%s: the SSM agent: %s", self._machine.id, error)
            self._complaint = str(error)

    def _run_due_associations(self) -> None:
        key = self._credentials()
        own = {"InstanceId": self._machine.id}
        self._ask(key, "UpdateInstanceInformation", own | {"AgentName": "amazon-ssm-agent", "AgentStatus": "Active"})
        for each in self._ask(key, "ListInstanceAssociations", own)["Associations"]:
            now = each["AssociationVersion"], each["Starts"]
            before, ended = self._ran.get(each["AssociationId"], (("", 0), 0.0))
            if before != now or time.monotonic() - ended > interval(each.get("ScheduleExpression", "")):
                status, summary = self._run(key, each)
                self._ran[each["AssociationId"]] = now, time.monotonic()
                log.info("%s: %s: %s: %s", self._machine.id, each["Name"], status, summary)
                result = {"Status": status, "ExecutionSummary": summary}
                about = own | {"AssociationId": each["AssociationId"], "ExecutionResult": result}
                self._ask(key, "UpdateInstanceAssociationStatus", about)

    def _run(self, key: Credentials, association: Mapping[str, Any]) -> tuple[str, str]:
        """Run every step of the association's document; returns the status and the last line of the output."""
        about = {"Name": association["Name"], "DocumentVersion": association["DocumentVersion"]}
        document = json.loads(self._ask(key, "GetDocument", about)["Content"])
        summary = ""
        for script, seconds in scripts(document, association.get("Parameters", {})):
            folder = DATA_FOLDER / self._machine.id / "document/orchestration" / association["AssociationId"]
            code = self._execute(folder, script, seconds)
            printed = self._machine.run(["tail", "-qn", "1", f"{folder}/stdout", f"{folder}/stderr"]).stdout
            summary = (printed.strip().splitlines() or [""])[-1]
            if code != 0:
                return "Failed", summary or f"exit status {code}"
        return "Success", summary

    def _execute(self, folder: PurePosixPath, script: str, seconds: float) -> int:
        """Run a script like the real agent: from a file, through `sh -c`, so that its first line chooses the
        interpreter."""
        write = f"mkdir -p {folder} && install -m 700 /dev/stdin {folder}/_script.sh"
        self._machine.run(["sh", "-c", write], stdin=script)
        run = f"exec >stdout 2>stderr; exec sh -c {shlex.quote(f'{folder}/_script.sh')}"
        return self._machine.run(["sh", "-c", f"cd {folder} && {run}"], timeout=seconds).returncode

    def _credentials(self) -> Credentials:
        """The credentials of the instance's role. Raises SandboxError if it has none."""
        given = self._machine.run(["sh", "-c", CREDENTIALS], timeout=30).stdout
        if not given.startswith("{"):
            raise SandboxError("the instance has no role")
        key = json.loads(given)
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["Token"])

    def _ask(self, key: Credentials, operation: str, parameters: Mapping[str, Any]) -> Any:
        """Call AWS. Raises SandboxError with AWS's error when the request is refused."""
        url = f"{self._machine.place.aws_url}/"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{operation}"}
        body = json.dumps(parameters).encode()
        request = AWSRequest("POST", url, headers=headers, data=body)
        SigV4Auth(key, "ssm", self._region).add_auth(request)
        signed = urllib.request.Request(url, body, dict(request.headers), method="POST")  # noqa: S310 - the local AWS
        try:
            with urllib.request.urlopen(signed, timeout=15) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            raise SandboxError(f"{operation}: {error.read().decode(errors='replace')[:300]}") from None


def interval(expression: str) -> float:
    """Seconds between two runs; infinite without a schedule, and with a calendar schedule, which nothing here uses."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    return int(found[1]) * UNITS[found[2]] if found else float("inf")


def scripts(document: Mapping[str, Any], given: Mapping[str, list[str]]) -> list[tuple[str, float]]:
    """The document's shell scripts with their parameters filled in, and how many seconds each may take."""
    declared = document.get("parameters", {})
    values = {name: given.get(name, [each.get("default", "")])[0] for name, each in declared.items()}
    found = []
    for step in document["mainSteps"]:
        if step["action"] != "aws:runShellScript":
            raise SandboxError(f"the local agent cannot do {step['action']}")
        if step.get("precondition", {}).get("StringEquals", ["platformType", "Linux"]) != ["platformType", "Linux"]:
            continue
        text = "\n".join(step["inputs"]["runCommand"])
        for name, value in values.items():
            text = re.sub(r"\{\{\s*" + re.escape(name) + r"\s*\}\}", lambda _, value=value: str(value), text)  # type: ignore[misc]
        found.append((text + "\n", float(step["inputs"].get("timeoutSeconds", 3600))))
    return found
