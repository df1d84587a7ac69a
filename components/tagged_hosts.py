"""Agents on EC2 instances that are chosen by a tag, without SSH: State Manager runs the installer on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from program.naming import machine
from program.policies import document, reading_with
from userdata.agents import ACTION

EVERY = "rate(30 minutes)"
"""When the installer runs again on every instance, also after a failure: the shortest interval that AWS accepts
(docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html). If nothing has changed,
nothing is restarted.
"""

AT_ONCE = "50"
"""Instances that the installer runs on at a time. The parameter store answers 40 requests per second (docs: "AWS
Systems Manager endpoints and quotas"); the installer retries when it is throttled."""

LONGEST = 65536
"""AWS's limit for a document, in bytes (the same page)."""

SECONDS = 1800
"""Time limit of an installer, which can wait up to five minutes for the package manager's lock."""

PARAMETER = ACTION.strip("{} ")
"""The document's parameter that says what the script does."""


def run_document(script: str) -> str:
    """A Systems Manager document that runs a script as root, in which ACTION is `install` or `remove`.

    Raises pulumi.RunError if CA certificates make it longer than AWS accepts.
    docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html#aws-runShellScript
    """
    text = json.dumps(
        {
            "schemaVersion": "2.2",
            "description": "Monitoring: installs Telegraf as this machine's agent, or removes it",
            "parameters": {
                PARAMETER: {
                    "type": "String",
                    "description": "install or remove",
                    "default": "install",
                    "allowedValues": ["install", "remove"],
                }
            },
            "mainSteps": [
                {
                    "action": "aws:runShellScript",
                    "name": "agent",
                    "precondition": {"StringEquals": ["platformType", "Linux"]},
                    "inputs": {"timeoutSeconds": str(SECONDS), "runCommand": [script]},
                }
            ],
        }
    )
    if len(text.encode()) > LONGEST:
        raise pulumi.RunError(
            f"monitoring:hostsByTag: the installer has {len(text.encode())} bytes, and AWS accepts {LONGEST}; "
            "shorten the certificates in influxdb.ca or certificate.ca"
        )
    return text


class TaggedHosts(pulumi.ComponentResource):
    """Telegraf on every EC2 instance of the region that has the tag, now or later.

    Produces: a document (auto-named) with the installer, which contains no secret, and an association that State
    Manager runs: immediately on the instances that have the tag, on each that gets it later, and every half hour
    (docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-state-manager-targets-and-rate-controls.html).
    A changed installer is a new document and a new association: AWS refuses a version with the content of an earlier
    one (UpdateDocument, DuplicateDocumentContent), and the provider then keeps the newest, so that a setting could not
    be changed back. An instance that fails does not stop the others. With `remove`, the association removes the agents
    instead. Deleting both leaves the agents where they are.

    An agent reads the write user's password itself, with its instance's role: `policy`, as JSON, lets a role read and
    decrypt that parameter and the other InfluxDB's, which exists while the stack moves. Agents need not wait for the
    server: Telegraf buffers what it measures until the server answers.

    script: the installer. passwords: ARNs of their parameters. stored: the last parameter to be written. key: ARN of
    `kmsKey`.

    Attributes: policy; association_id.
    """

    def __init__(
        self,
        name: str,
        tag: Mapping[str, str],
        script: pulumi.Output[str],
        passwords: pulumi.Output[list[str]],
        opts: pulumi.ResourceOptions,
        *,
        stored: pulumi.Resource,
        remove: bool,
        key: str | None = None,
    ) -> None:
        super().__init__("monitoring:index:TaggedHosts", name, None, opts)
        ((named, value),) = tag.items()
        # bootstrap/account.py relies on this prefix in every stack.
        installer = aws.ssm.Document(
            "monitoring-agent",
            document_type="Command",
            content=script.apply(run_document),
            tags={"Name": machine()},
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["content"]),
        )
        association = aws.ssm.Association(
            name,
            name=installer.name,
            parameters={PARAMETER: "remove" if remove else "install"},
            targets=[{"key": f"tag:{named}", "values": [value]}],
            schedule_expression=EVERY,
            max_concurrency=AT_ONCE,
            max_errors="100%",
            compliance_severity="MEDIUM",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[stored]),
        )
        self.association_id: pulumi.Output[str] = association.association_id
        self.policy: pulumi.Output[str] = passwords.apply(lambda arns: _reading(arns, key))
        self.register_outputs({"associationId": self.association_id})


def _reading(parameters: Sequence[str], key: str | None) -> str:
    read = {"Sid": "ReadMonitoringPassword", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameters}
    return document(read, *reading_with(key, parameters))
