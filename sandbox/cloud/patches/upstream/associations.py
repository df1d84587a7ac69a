"""State Manager: associations of documents with instances, and the operations of an instance's agent.

moto has no associations. Nothing runs here; agents on the machines run them (sandbox/machines/ssm_agent.py).
docs.aws.amazon.com/systems-manager/latest/APIReference: CreateAssociation and related pages. The agent's own
operations, which are not public, are in github.com/aws/amazon-ssm-agent, agent/association/service.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import (
    InvalidDocument,
    InvalidDocumentVersion,
    InvalidResourceId,
    SSMException,
)
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from sandbox.cloud.patches.registry import ABSENT, patch

MIN_MINUTES = 30
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
MAX_TARGETS = 5
FIELDS = (
    *("Name", "AssociationName", "DocumentVersion", "Parameters", "Targets", "ScheduleExpression", "MaxConcurrency"),
    *("MaxErrors", "ComplianceSeverity", "SyncCompliance", "ApplyOnlyAtCronInterval", "OutputLocation"),
)
"""An association's fields. An update that leaves one out removes it."""


@patch(SimpleSystemManagerBackend, "delete_document", source="1feedd23")
def delete_document(original: Any, self: Any, name: str, *arguments: Any, **named: Any) -> Any:
    """AWS: refuses to delete a document that an association uses. moto: has no associations."""
    if any(each["Name"] == name for each in associations(self).values()):
        raise SSMException("AssociatedInstances", "Disassociate the document from all managed nodes first.")
    return original(self, name, *arguments, **named)


@patch(SimpleSystemManagerBackend, "_validate_resource_type_and_id", source="a48bc1b3")
def validate_resource(original: Any, self: Any, resource_type: str, resource_id: str) -> str:
    """AWS: associations have tags, too. moto: has no associations."""
    if resource_type != "Association":
        return str(original(self, resource_type, resource_id))
    if resource_id not in associations(self):
        raise InvalidResourceId()
    return resource_id


def associations(backend: Any) -> dict[str, dict[str, Any]]:
    """A region's associations, by id."""
    found: dict[str, dict[str, Any]] = vars(backend).setdefault("associations", {})
    return found


def _find(backend: Any, id_: str) -> dict[str, Any]:
    try:
        return associations(backend)[id_]
    except KeyError:
        raise SSMException("AssociationDoesNotExist", "The specified association does not exist.") from None


def parameters(response: Any) -> dict[str, Any]:
    """A request's parameters, even for operations that botocore does not know."""
    found: dict[str, Any] = json.loads(response.body or "{}")
    return found


def _validated(backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The association that a request describes. Raises AWS's error if the request is invalid."""
    made = {name: given[name] for name in FIELDS if name in given}
    documents = backend._documents.get(made.get("Name"))
    if documents is None:
        raise InvalidDocument(f"Document {made.get('Name')} does not exist.")
    version = made.setdefault("DocumentVersion", "$DEFAULT")
    number = {"$DEFAULT": documents.default_version, "$LATEST": documents.latest_version}.get(version, version)
    if number not in documents.versions:
        raise InvalidDocumentVersion(f"Version {version} of {made['Name']} does not exist.")
    _check_parameters(json.loads(documents.versions[number].content), made.get("Parameters") or {})
    _check_targets(made.get("Targets") or [])
    _check_schedule(made.get("ScheduleExpression") or "")
    return made


def _check_parameters(document: Mapping[str, Any], given: Mapping[str, list[str]]) -> None:
    declared = document.get("parameters", {})
    for name, values in given.items():
        allowed = declared.get(name, {}).get("allowedValues", values)
        if name not in declared or not set(values) <= set(allowed):
            raise SSMException("InvalidParameters", f"{name} = {values} is not a parameter that the document takes.")


TARGET_KEY = re.compile(r"[\w\s.:/=\-@]{1,163}")
"""From botocore's model of SSM (TargetKey)."""


def _check_targets(targets: list[Mapping[str, Any]]) -> None:
    for each in targets:
        if not TARGET_KEY.fullmatch(each["Key"]):
            raise SSMException("ValidationException", f"Value '{each['Key']}' failed to satisfy constraint: pattern")
    kinds = [each for each in targets if each["Key"] == "InstanceIds" or each["Key"].startswith("tag:")]
    if not 1 <= len(targets) <= MAX_TARGETS or kinds != targets or not all(each["Values"] for each in targets):
        raise SSMException("InvalidTarget", "The target isn't valid.")


def _check_schedule(expression: str) -> None:
    if not expression or expression.startswith("cron("):
        return
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not found or int(found[1]) * MINUTES[found[2]] < MIN_MINUTES:
        raise SSMException("InvalidSchedule", "The schedule is invalid: at least 30 minutes for an association.")


def _targets(backend: Any, association: Mapping[str, Any]) -> Iterator[str]:
    """The ids of existing instances that match all targets."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for instance in ec2.all_instances():
        tags = {"InstanceIds": instance.id} | {f"tag:{key}": value for key, value in ec2.tags[instance.id].items()}
        if all(tags.get(each["Key"]) in each["Values"] for each in association["Targets"]):
            yield instance.id


def _description(backend: Any, association: Mapping[str, Any]) -> dict[str, Any]:
    """The association as DescribeAssociation returns it. The overview covers the instances that are targets now."""
    statuses = association["statuses"]
    counts: dict[str, int] = {}
    for id_ in _targets(backend, association):
        status = statuses.get(id_, {}).get("Status", "Pending")
        counts[status] = counts.get(status, 0) + 1
    overall = "Pending" if "Pending" in counts else "Failed" if "Failed" in counts else "Success"
    overview = {"Status": overall, "DetailedStatus": overall, "AssociationStatusAggregatedCount": counts}
    shown = {name: value for name, value in association.items() if name not in ("statuses", "starts")}
    return shown | {"Overview": overview}


@patch(SimpleSystemManagerResponse, "create_association", source=ABSENT)
def create_association(_: Any, self: Any) -> ActionResult:
    """Create an association, at version 1."""
    given = parameters(self)
    made = _validated(self.ssm_backend, given) | {
        "AssociationId": str(uuid.uuid4()),
        "AssociationVersion": "1",
        "statuses": {},
    }
    made |= {"Date": utcnow(), "LastUpdateAssociationDate": utcnow()}
    associations(self.ssm_backend)[made["AssociationId"]] = made
    for tag in given.get("Tags", ()):
        self.ssm_backend._resource_tags["Association"][made["AssociationId"]][tag["Key"]] = tag["Value"]
    return ActionResult({"AssociationDescription": _description(self.ssm_backend, made)})


@patch(SimpleSystemManagerResponse, "update_association", source=ABSENT)
def update_association(_: Any, self: Any) -> ActionResult:
    """Replace an association by a new version. Fields that are not given are removed, except for the document."""
    given = parameters(self)
    known = _find(self.ssm_backend, given["AssociationId"])
    made = _validated(self.ssm_backend, {"Name": known["Name"], **given})
    for name in FIELDS:
        known.pop(name, None)
    number = str(int(known["AssociationVersion"]) + 1)
    known |= made | {"AssociationVersion": number, "LastUpdateAssociationDate": utcnow(), "statuses": {}}
    return ActionResult({"AssociationDescription": _description(self.ssm_backend, known)})


@patch(SimpleSystemManagerResponse, "describe_association", source=ABSENT)
def describe_association(_: Any, self: Any) -> ActionResult:
    """Describe an association by its id."""
    known = _find(self.ssm_backend, parameters(self)["AssociationId"])
    return ActionResult({"AssociationDescription": _description(self.ssm_backend, known)})


@patch(SimpleSystemManagerResponse, "start_associations_once", source=ABSENT)
def start_associations_once(_: Any, self: Any) -> EmptyResult:
    """Run associations now, whatever their schedule."""
    for id_ in parameters(self)["AssociationIds"]:
        known = _find(self.ssm_backend, id_)
        known["starts"] = known.get("starts", 0) + 1
    return EmptyResult()


@patch(SimpleSystemManagerResponse, "delete_association", source=ABSENT)
def delete_association(_: Any, self: Any) -> EmptyResult:
    """Delete an association by its id. What it did on instances stays."""
    _find(self.ssm_backend, parameters(self)["AssociationId"])
    del associations(self.ssm_backend)[parameters(self)["AssociationId"]]
    return EmptyResult()


@patch(SimpleSystemManagerResponse, "describe_instance_associations_status", source=ABSENT)
def describe_instance_associations_status(_: Any, self: Any) -> ActionResult:
    """The result of each of an instance's associations."""
    id_ = parameters(self)["InstanceId"]
    found = [
        {name: each.get(name) for name in ("AssociationId", "Name", "AssociationName", "AssociationVersion")}
        | {"InstanceId": id_, "Status": "Pending"}
        | each["statuses"].get(id_, {})
        for each in associations(self.ssm_backend).values()
        if id_ in _targets(self.ssm_backend, each)
    ]
    return ActionResult({"InstanceAssociationStatusInfos": found})


@patch(SimpleSystemManagerResponse, "update_instance_information", source=ABSENT)
def update_instance_information(_: Any, self: Any) -> str:
    """Accept an agent's report that it is alive."""
    return "{}"


@patch(SimpleSystemManagerResponse, "list_instance_associations", source=ABSENT)
def list_instance_associations(_: Any, self: Any) -> str:
    """The associations that an agent has to run."""
    id_ = parameters(self)["InstanceId"]
    names = ("AssociationId", "AssociationVersion", "Name", "DocumentVersion", "Parameters", "ScheduleExpression")
    found = [
        {name: each[name] for name in names if name in each} | {"Starts": each.get("starts", 0)}
        for each in associations(self.ssm_backend).values()
        if id_ in _targets(self.ssm_backend, each)
    ]
    return json.dumps({"Associations": found})


@patch(SimpleSystemManagerResponse, "update_instance_association_status", source=ABSENT)
def update_instance_association_status(_: Any, self: Any) -> str:
    """Store an association's result, as the agent reports it."""
    known = _find(self.ssm_backend, parameters(self)["AssociationId"])
    result = parameters(self)["ExecutionResult"]
    known["statuses"][parameters(self)["InstanceId"]] = {
        "Status": result["Status"],
        "DetailedStatus": result["Status"],
        "ExecutionSummary": result["ExecutionSummary"],
        "ExecutionDate": utcnow(),
    }
    return "{}"
