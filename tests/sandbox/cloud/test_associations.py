"""State Manager: what it refuses, the instances of an association, and access control."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.sandbox.cloud.conftest import Cloud, allow, refusal

DOCUMENT = {
    "schemaVersion": "2.2",
    "parameters": {"action": {"type": "String", "default": "install", "allowedValues": ["install", "remove"]}},
    "mainSteps": [{"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["echo {{ action }}"]}}],
}


def document(aws: Cloud, **named: Any) -> str:
    """A new document's name."""
    name = f"doc-{uuid.uuid4()}"
    usual = {"Name": name, "Content": json.dumps(DOCUMENT), "DocumentType": "Command"}
    aws.client("ssm").create_document(**usual | named)
    return name


def wanted(aws: Cloud, tag: str = "on", **changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"Name": document(aws), "Targets": [{"Key": "tag:Monitoring", "Values": [tag]}]}
    return usual | changed


def tagged(**tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Name": "doc-of-nobody"}, "InvalidDocument"),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"Parameters": {"action": ["explode"]}}, "InvalidParameters"),
        ({"Parameters": {"act": ["install"]}}, "InvalidParameters"),
        ({"Targets": []}, "InvalidTarget"),
        ({"Targets": [{"Key": "Monitoring", "Values": ["on"]}]}, "InvalidTarget"),
        ({"Targets": [{"Key": "tag:a+b", "Values": ["on"]}]}, "ValidationException"),
        ({"ScheduleExpression": "rate(10 minutes)"}, "InvalidSchedule"),
        ({"ScheduleExpression": "hourly"}, "InvalidSchedule"),
    ],
    ids=str,
)
def test_what_aws_refuses_is_refused(aws: Cloud, changed: dict[str, Any], code: str) -> None:
    assert refusal(aws.client("ssm").create_association, **wanted(aws, **changed)) == (400, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (json.dumps(DOCUMENT).replace("{{ action }}", "{{ other }}"), "InvalidDocumentContent"),
        (json.dumps(DOCUMENT | {"description": "x" * 65536}), "MaxDocumentSizeExceeded"),
    ],
    ids=["an undeclared parameter", "too long"],
)
def test_documents_that_aws_refuses_are_refused(aws: Cloud, content: str, code: str) -> None:
    ssm = aws.client("ssm")
    name = document(aws)
    assert refusal(ssm.create_document, Name=f"{name}-2", Content=content, DocumentType="Command") == (400, code)
    assert refusal(ssm.update_document, Name=name, Content=content, DocumentVersion="$LATEST") == (400, code)


def test_the_default_version_can_be_named(aws: Cloud) -> None:
    ssm = aws.client("ssm")
    assert json.loads(ssm.get_document(Name=document(aws), DocumentVersion="$DEFAULT")["Content"]) == DOCUMENT


def test_an_association_applies_to_instances_with_the_tag_including_later_ones(aws: Cloud) -> None:
    ssm, tag = aws.client("ssm"), uuid.uuid4().hex
    made = ssm.create_association(**wanted(aws, tag))["AssociationDescription"]["AssociationId"]

    def of(instance: dict[str, Any]) -> list[str]:
        found = ssm.describe_instance_associations_status(InstanceId=instance["InstanceId"])
        return [each["AssociationId"] for each in found["InstanceAssociationStatusInfos"]]

    theirs = aws.launch(TagSpecifications=tagged(Monitoring="off"))
    ours = aws.launch(TagSpecifications=tagged(Monitoring=tag))
    assert (of(theirs), of(ours)) == ([], [made])
    aws.client("ec2").create_tags(Resources=[theirs["InstanceId"]], Tags=[{"Key": "Monitoring", "Value": tag}])
    assert of(theirs) == [made]
    overview = ssm.describe_association(AssociationId=made)["AssociationDescription"]["Overview"]
    assert overview["AssociationStatusAggregatedCount"] == {"Pending": 2}
    name = ssm.describe_association(AssociationId=made)["AssociationDescription"]["Name"]
    assert refusal(ssm.delete_document, Name=name) == (400, "AssociatedInstances")
    ssm.delete_association(AssociationId=made)
    assert of(ours) == []
    ssm.delete_document(Name=name)
    assert refusal(ssm.describe_association, AssociationId=made) == (400, "AssociationDoesNotExist")


def test_an_update_replaces_the_association_by_a_new_version(aws: Cloud) -> None:
    ssm = aws.client("ssm")
    asked = wanted(aws, Parameters={"action": ["remove"]}, ScheduleExpression="rate(1 hour)")
    made = ssm.create_association(**asked)["AssociationDescription"]
    changed = ssm.update_association(
        AssociationId=made["AssociationId"], Targets=asked["Targets"], ScheduleExpression="rate(2 hours)"
    )["AssociationDescription"]
    assert (made["AssociationVersion"], changed["AssociationVersion"]) == ("1", "2")
    assert changed["ScheduleExpression"] == "rate(2 hours)"
    assert "Parameters" not in changed


def test_creating_an_association_needs_rights_to_its_document(aws: Cloud) -> None:
    asked = wanted(aws)
    making = allow("ssm:CreateAssociation", resource="arn:aws:ssm:*:*:association/*")
    alone = aws.client("ssm", aws.user(making))
    assert refusal(alone.create_association, **asked) == (400, "AccessDeniedException")
    other = allow("ssm:CreateAssociation", resource="arn:aws:ssm:*:*:document/monitoring-*")
    assert refusal(aws.client("ssm", aws.user(making, other)).create_association, **asked)[0] == 400
    both = allow("ssm:CreateAssociation", resource=f"arn:aws:ssm:*:*:document/{asked['Name']}")
    assert aws.client("ssm", aws.user(making, both)).create_association(**asked)


def test_rights_to_an_association_depend_on_its_tags(aws: Cloud) -> None:
    own = {"StringEquals": {"aws:ResourceTag/project": "monitoring"}}
    client = aws.client("ssm", aws.user(allow("ssm:DeleteAssociation", Condition=own)))
    ssm = aws.client("ssm")
    theirs, ours = (
        ssm.create_association(**wanted(aws), Tags=[{"Key": "project", "Value": whose}])["AssociationDescription"]
        for whose in ("shop", "monitoring")
    )
    assert refusal(client.delete_association, AssociationId=theirs["AssociationId"]) == (400, "AccessDeniedException")
    client.delete_association(AssociationId=ours["AssociationId"])
    listed = ssm.list_tags_for_resource(ResourceType="Association", ResourceId=theirs["AssociationId"])
    assert listed["TagList"] == [{"Key": "project", "Value": "shop"}]
