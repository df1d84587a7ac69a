"""What the AWS resources share: regions, tags, waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import Aws, code
from sandbox.plugins.base import (
    TEXT,
    UNKNOWN,
    Input,
    MapOf,
    Output,
    PluginError,
    Properties,
    Resource,
    fields,
)

REGIONAL = fields(region=Input(TEXT, computed=True, replaces=True))
"""The input that every regional resource has since pulumi-aws 7."""

TAGS = fields(tags=Input(MapOf(TEXT)))
TAGGED = fields(arn=Output(), tagsAll=Output())
"""The outputs of all resources with tags."""

Found = TypeVar("Found")

POLL_SECONDS = 0.5


class AwsResource(Resource[Aws]):
    """A resource without tags."""

    def api(self, service: str, properties: Mapping[str, Any]) -> Any:
        """The client for the resource's region. properties: its inputs or its state."""
        return self.client.client(service, properties.get("region"))

    @property
    def iam(self) -> Any:
        """The client for IAM, which has no regions."""
        return self.client.client("iam")

    def region(self, properties: Mapping[str, Any]) -> str:
        """The resource's region."""
        return str(properties.get("region") or self.client.region)

    def wait(self, what: str, done: Callable[[], Found | None], seconds: float) -> Found:
        """Call `done` until it returns a value. Raises PluginError after `seconds`, or after the user's timeout."""
        limit = self.request.timeout or seconds
        waited = 0.0
        while (found := done()) is None:
            if waited >= limit:
                raise PluginError(f"waiting for {self.title} {what}: timeout after {limit:.0f} s")
            self.status(f"waiting: {what} ({waited:.0f} s)")
            self.pause(POLL_SECONDS)
            waited += POLL_SECONDS
        return found


class TaggedResource(AwsResource):
    """A resource with tags, including the provider's default tags."""

    def derived(self, inputs: Properties) -> Properties:
        tags = inputs.get("tags", {})
        return {"tagsAll": UNKNOWN if tags is UNKNOWN else {**self.client.default_tags, **tags}}

    def all_tags(self, inputs: Properties) -> dict[str, str]:
        """Default tags and own tags. Own tags win."""
        return {**self.client.default_tags, **inputs.get("tags", {})}

    def tag_list(self, inputs: Properties) -> list[dict[str, str]]:
        """All tags in the form that most of AWS's requests take."""
        return tag_list(self.all_tags(inputs))

    def tags_out(self, found: Sequence[Mapping[str, str]] | None, state: Properties) -> Properties:
        """The outputs `tags`, without default tags unless they are own tags as well, and `tagsAll`."""
        everything = tag_map(found)
        own = state.get("tags", {})
        tags = {
            key: value for key, value in everything.items() if key in own or self.client.default_tags.get(key) != value
        }
        return {"tags": tags if tags or "tags" in state else None, "tagsAll": everything}

    def apply_tags(
        self,
        old: Properties,
        new: Properties,
        *,
        tag: Callable[[dict[str, str]], object],
        untag: Callable[[list[str]], object],
    ) -> None:
        """Make the tags match the inputs. tag: sets tags; untag: removes tags by their keys."""
        before, after = old.get("tagsAll", {}), self.all_tags(new)
        if to_remove := [key for key in before if key not in after]:
            untag(to_remove)
        if to_set := {key: value for key, value in after.items() if before.get(key) != value}:
            tag(to_set)


class Ec2Resource(TaggedResource):
    """A resource of EC2. The tags of all of them are set by the same two requests."""

    def ec2(self, properties: Mapping[str, Any]) -> Any:
        """EC2's client for the resource's region."""
        return self.api("ec2", properties)

    def tag_specification(self, kind: str, inputs: Properties) -> list[dict[str, Any]]:
        """The `TagSpecifications` of a request that creates something."""
        tags = self.tag_list(inputs)
        return [{"ResourceType": kind, "Tags": tags}] if tags else []

    def retag(self, id_: str, old: Properties, new: Properties) -> None:
        """Make the tags match the inputs."""
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.ec2(new).create_tags(Resources=[id_], Tags=tag_list(tags)),
            untag=lambda keys: self.ec2(new).delete_tags(Resources=[id_], Tags=[{"Key": key} for key in keys]),
        )


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A map of tags as the list that AWS takes."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """AWS's list of tags as a map, without AWS's own tags."""
    return {tag["Key"]: tag["Value"] for tag in tags or () if not tag["Key"].startswith("aws:")}


def present(**arguments: Any) -> dict[str, Any]:
    """The arguments that have a value."""
    return {name: value for name, value in arguments.items() if value not in (None, [], {})}


def or_gone(request: Callable[[], Found], *codes: str) -> Found | None:
    """The answer, or None if AWS answers with one of the codes for a resource that does not exist."""
    try:
        return request()
    except ClientError as error:
        if code(error) in codes:
            return None
        raise


def upper_first(name: str) -> str:
    """An input's name as most of AWS's APIs write it: `keyId` becomes `KeyId`."""
    return name[0].upper() + name[1:]


def lower_first(name: str) -> str:
    """The opposite of `upper_first`."""
    return name[0].lower() + name[1:]
