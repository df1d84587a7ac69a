"""State Manager: aws.ssm.Document, aws.ssm.Association.

hashicorp/terraform-provider-aws, internal/service/ssm/document.go and association.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.plugins.aws.resource import (
    REGIONAL,
    TAGGED,
    TAGS,
    TaggedResource,
    lower_first,
    or_gone,
    present,
    tag_list,
    upper_first,
)
from sandbox.plugins.base import BOOLEAN, TEXT, Failure, Input, ListOf, MapOf, ObjectOf, Output, Properties, fields

_NAME = r"[0-9A-Za-z_.-]{3,128}"
_MAX_TARGETS, _MAX_VALUES = 5, 50
_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED")
_CHANGED_BY_CONTENT = ("defaultVersion", "documentVersion", "hash", "latestVersion", "parameters")
"""Outputs that change with the content."""


class _SsmResource(TaggedResource):
    kind: ClassVar[str]
    """The resource type in requests for tags."""

    def read_tags(self, id_: str, state: Properties) -> Properties:
        """Read the tags, as outputs."""
        listed = self.api("ssm", state).list_tags_for_resource(ResourceType=self.kind, ResourceId=id_)["TagList"]
        return self.tags_out(listed, state)

    def retag(self, id_: str, old: Properties, new: Properties) -> None:
        """Make the tags match the inputs."""
        ssm, resource = self.api("ssm", new), {"ResourceType": self.kind, "ResourceId": id_}
        self.apply_tags(
            old,
            new,
            tag=lambda tags: ssm.add_tags_to_resource(**resource, Tags=tag_list(tags)),
            untag=lambda keys: ssm.remove_tags_from_resource(**resource, TagKeys=keys),
        )


class Document(_SsmResource):
    """A document. Its name is its id. New content creates a new version and makes it the default one."""

    token = "aws:ssm/document:Document"
    title = "SSM Document"
    kind = "Document"
    inputs = fields(
        content=Input(TEXT, required=True),
        documentFormat=Input(TEXT, default="JSON"),
        documentType=Input(TEXT, required=True),
        name=Input(TEXT, auto_name=True, replaces=True),
        targetType=Input(TEXT),
        versionName=Input(TEXT),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        createdDate=Output(),
        defaultVersion=Output(),
        description=Output(),
        documentVersion=Output(),
        hash=Output(),
        hashType=Output(),
        latestVersion=Output(),
        owner=Output(),
        parameters=Output(),
        platformTypes=Output(),
        schemaVersion=Output(),
        status=Output(),
        **TAGGED,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if isinstance(inputs.get("name"), str) and not re.fullmatch(_NAME, inputs["name"]):
            yield Failure("name", "must contain only alphanumeric, underscore, hyphen, or period characters")

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        return _CHANGED_BY_CONTENT if "content" in changed else ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.api("ssm", inputs).create_document(
            **_document_request(inputs), DocumentType=inputs["documentType"], **present(Tags=self.tag_list(inputs))
        )
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        ssm = self.api("ssm", state)
        answer = or_gone(lambda: ssm.describe_document(Name=id_), "InvalidDocument")
        if answer is None:
            return None
        found = answer["Document"]
        kept = ssm.get_document(Name=id_, DocumentFormat=found["DocumentFormat"], DocumentVersion="$LATEST")
        ssm.describe_document_permission(Name=id_, PermissionType="Share")
        known = (*self.inputs, *self.outputs)
        same = {name: found[upper_first(name)] for name in known if upper_first(name) in found}
        return {
            **same,
            "arn": self.client.arn("ssm", f"document/{id_}", self.region(state)),
            "content": kept["Content"],
            "createdDate": found["CreatedDate"].isoformat(),
            "parameters": [
                {lower_first(key): value for key, value in each.items()} for each in found.get("Parameters", [])
            ],
            "region": self.region(state),
            **self.read_tags(id_, state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        ssm = self.api("ssm", new)
        if any(old.get(name) != new.get(name) for name in ("content", "documentFormat", "targetType", "versionName")):
            try:
                answer = ssm.update_document(**_document_request(new), DocumentVersion=old["latestVersion"])
                version = answer["DocumentDescription"]["DocumentVersion"]
            except ssm.exceptions.DuplicateDocumentContent:
                version = old["latestVersion"]
            ssm.update_document_default_version(Name=id_, DocumentVersion=version)
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.api("ssm", state).delete_document(Name=id_), "InvalidDocument")


def _document_request(inputs: Properties) -> dict[str, Any]:
    return present(
        Name=inputs["name"],
        Content=inputs["content"],
        DocumentFormat=inputs["documentFormat"],
        TargetType=inputs.get("targetType"),
        VersionName=inputs.get("versionName"),
    )


class Association(_SsmResource):
    """An association of a document with the instances that have a tag."""

    token = "aws:ssm/association:Association"
    title = "SSM Association"
    kind = "Association"
    inputs = fields(
        applyOnlyAtCronInterval=Input(BOOLEAN),
        associationName=Input(TEXT),
        complianceSeverity=Input(TEXT),
        documentVersion=Input(TEXT, computed=True),
        maxConcurrency=Input(TEXT),
        maxErrors=Input(TEXT),
        name=Input(TEXT, replaces=True),
        parameters=Input(MapOf(TEXT), computed=True),
        scheduleExpression=Input(TEXT),
        syncCompliance=Input(TEXT),
        targets=Input(
            ListOf(ObjectOf(fields(key=Input(TEXT, required=True), values=Input(ListOf(TEXT), required=True)))),
            computed=True,
        ),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(associationId=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        patterns = {
            "associationName": _NAME,
            "documentVersion": r"[$]LATEST|[$]DEFAULT|[1-9][0-9]*",
            "maxConcurrency": "[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%",
            "maxErrors": "[1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%",
            "complianceSeverity": "|".join(_SEVERITIES),
        }
        for name, pattern in patterns.items():
            if isinstance(inputs.get(name), str) and not re.fullmatch(pattern, inputs[name]):
                yield Failure(name, f"invalid value for {name} (must match {pattern})")
        targets = inputs.get("targets")
        given = [each for each in targets if isinstance(each, dict)] if isinstance(targets, list) else []
        values = [each["values"] for each in given if isinstance(each.get("values"), list)]
        if len(given) > _MAX_TARGETS or any(len(each) > _MAX_VALUES for each in values):
            yield Failure("targets", f"attribute supports {_MAX_TARGETS} targets of {_MAX_VALUES} values")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        made = self.api("ssm", inputs).create_association(
            Name=inputs["name"], **_association_request(inputs), **present(Tags=self.tag_list(inputs))
        )
        id_ = made["AssociationDescription"]["AssociationId"]
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        ssm = self.api("ssm", state)
        answer = or_gone(lambda: ssm.describe_association(AssociationId=id_), "AssociationDoesNotExist")
        if answer is None:
            return None
        found = answer["AssociationDescription"]
        simple = [name for name in self.inputs if name not in ("parameters", "targets", "tags", "region")]
        return {
            **{name: found.get(upper_first(name)) for name in simple},
            "arn": self.client.arn("ssm", f"association/{id_}", self.region(state)),
            "associationId": id_,
            "parameters": {key: values[0] for key, values in found.get("Parameters", {}).items()},
            "targets": [{"key": each["Key"], "values": each["Values"]} for each in found.get("Targets", [])],
            "region": self.region(state),
            **self.read_tags(id_, state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        # Each update creates a new version, which AWS runs.
        if any(old.get(name) != new.get(name) for name in self.inputs if name not in ("tags", "region")):
            self.api("ssm", new).update_association(AssociationId=id_, **_association_request(new))
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.api("ssm", state).delete_association(AssociationId=id_), "AssociationDoesNotExist")


def _association_request(inputs: Properties) -> dict[str, Any]:
    apart = ("name", "tags", "tagsAll", "region", "targets", "parameters")
    return present(
        **{upper_first(name): value for name, value in inputs.items() if name not in apart},
        Parameters={key: [value] for key, value in inputs.get("parameters", {}).items()},
        Targets=[{"Key": each["key"], "Values": each["values"]} for each in inputs.get("targets", [])],
    )
