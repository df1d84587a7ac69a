"""Parameters of Systems Manager: aws.ssm.Parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, TaggedResource, or_gone, present, tag_list
from sandbox.plugins.base import BOOLEAN, TEXT, Failure, Input, Output, Properties, fields

_GONE = ("ParameterNotFound",)
_TYPES = ("String", "StringList", "SecureString")


class Parameter(TaggedResource):
    """A parameter. Its value is secret, whatever its type."""

    token = "aws:ssm/parameter:Parameter"
    title = "SSM Parameter"
    inputs = fields(
        type=Input(TEXT, required=True),
        allowedPattern=Input(TEXT),
        dataType=Input(TEXT, computed=True, replaces=True),
        description=Input(TEXT),
        insecureValue=Input(TEXT),
        keyId=Input(TEXT, computed=True),
        name=Input(TEXT, auto_name=True, replaces=True),
        overwrite=Input(BOOLEAN),
        tier=Input(TEXT, computed=True),
        value=Input(TEXT, secret=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(version=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if ("value" in inputs) == ("insecureValue" in inputs):
            yield Failure("value", 'Invalid combination of arguments. One of "value, insecureValue" must be set')
        if isinstance(inputs["type"], str) and inputs["type"] not in _TYPES:
            yield Failure("type", f"expected type to be one of {list(_TYPES)}, got {inputs['type']}")
        if inputs["type"] == "SecureString" and "insecureValue" in inputs:
            yield Failure("insecureValue", "invalid configuration, cannot set type = SecureString and insecure_value")

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        if name == "tier":
            return old.get("tier") == "Advanced" and new.get("tier") == "Standard"
        return declared

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        # Not for insecureValue (internal/service/ssm/parameter.go, CustomizeDiff): a preview keeps the old number.
        return ("version",) if changed & {"value", "description"} else ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._put(inputs, inputs.get("keyId"), overwrite=bool(inputs.get("overwrite")), new=True)
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def _put(self, inputs: Properties, key: str | None, *, overwrite: bool, new: bool) -> None:
        ssm = self.api("ssm", inputs)
        tags = self.tag_list(inputs)
        ssm.put_parameter(
            Name=inputs["name"],
            Type=inputs["type"],
            Value=str(inputs.get("value", inputs.get("insecureValue"))),
            Tier=inputs.get("tier", "Standard"),
            Overwrite=overwrite,
            **present(
                AllowedPattern=inputs.get("allowedPattern"),
                DataType=inputs.get("dataType"),
                Description=inputs.get("description"),
                KeyId=key if inputs["type"] == "SecureString" else None,
                # AWS accepts tags only with a new parameter.
                Tags=None if overwrite else tags,
            ),
        )
        if new and overwrite and tags:
            ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=inputs["name"], Tags=tags)

    def read(self, id_: str, state: Properties) -> Properties | None:
        ssm = self.api("ssm", state)
        answer = or_gone(lambda: ssm.get_parameter(Name=id_, WithDecryption=True), *_GONE)
        details = self._details(ssm, id_)
        if answer is None or details is None:
            return None
        found = answer["Parameter"]
        name = "insecureValue" if "insecureValue" in state and found["Type"] != "SecureString" else "value"
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=id_)["TagList"]
        intelligent = state.get("tier") == "Intelligent-Tiering"
        return {
            "arn": found.get("ARN") or self.client.arn("ssm", f"parameter/{id_.lstrip('/')}", self.region(state)),
            "allowedPattern": details.get("AllowedPattern") or None,
            "dataType": found.get("DataType", "text"),
            "description": details.get("Description") or None,
            "keyId": details.get("KeyId") or None,
            "name": found["Name"],
            "region": self.region(state),
            "tier": state["tier"] if intelligent else details.get("Tier", "Standard"),
            "type": found["Type"],
            "version": found["Version"],
            name: found["Value"],
            **self.tags_out(tags, state),
        }

    def _details(self, ssm: Any, name: str) -> dict[str, Any] | None:
        filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        found = ssm.describe_parameters(ParameterFilters=filters)["Parameters"]
        return found[0] if found else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        if any(old.get(name) != value for name, value in new.items() if name not in ("overwrite", "tags")):
            # The real provider sends the key only if it changes (internal/service/ssm/parameter.go,
            # resourceParameterUpdate), so AWS uses the account's default key instead.
            key = new.get("keyId") if new.get("keyId") != old.get("keyId") else None
            self._put(new, key, overwrite=bool(new.get("overwrite", True)), new=False)
        ssm = self.api("ssm", new)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=id_, Tags=tag_list(tags)),
            untag=lambda keys: ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        ssm = self.api("ssm", state)
        or_gone(lambda: ssm.delete_parameter(Name=state["name"]), *_GONE)
