"""Systems Manager's parameters, documents and associations as resources of IAM policies.

docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.ssm.models import ssm_backends

from sandbox.cloud import ACCOUNT, kms_resources
from sandbox.cloud.patches.upstream.associations import associations, parameters
from sandbox.cloud.patches.upstream.ssm import tier_of
from sandbox.cloud.permission import Permission, tag_context

AGENT_ACTIONS = frozenset(
    {"ListInstanceAssociations", "UpdateInstanceAssociationStatus", "UpdateInstanceInformation"}
    | {"DescribeInstanceAssociationsStatus"}
)
"""Actions of an SSM agent, on its instance."""


def needed(response: Any, action: str) -> Iterator[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. action: without `ssm:`."""
    given = parameters(response)
    if action in AGENT_ACTIONS:
        yield Permission(f"ssm:{action}", f"arn:aws:ec2:{response.region}:{ACCOUNT}:instance/{given['InstanceId']}")
    elif action.endswith("Association"):
        yield from _of_association(response.region, action, given)
    elif "Document" in action:
        yield from _of_document(response.region, action, given)
    elif "ResourceType" in given and given["ResourceType"] != "Parameter":
        yield _of_tags(response.region, action, given)
    else:
        yield from _of_parameters(response.region, action, given)


def _of_parameters(region: str, action: str, given: Mapping[str, Any]) -> Iterator[Permission]:
    """Parameters by name (several for GetParameters), paths as they were written, trailing slash included.

    docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    """
    one = given.get("Name") or given.get("Path") or given.get("ResourceId")
    names = given.get("Names") or ([one] if one else [])
    # Tagging a new parameter needs a further action (API_PutParameter, Tags).
    actions = [action, *(["AddTagsToResource"] if action == "PutParameter" and given.get("Tags") else [])]
    found = [_parameter(str(name), region) for name in names] or [_arn(region, "*")]
    for each in actions:
        for arn in found:
            yield Permission(f"ssm:{each}", arn)
    yield from _of_keys(region, action, given, [str(name) for name in names])


def _of_keys(region: str, action: str, given: Mapping[str, Any], names: list[str]) -> Iterator[Permission]:
    """Writing or reading a secret also needs a permission for its key, for that parameter, unless AWS manages the key.

    docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
    """

    def use(key_action: str, key: str | None, name: str) -> Iterator[Permission]:
        if key and not kms_resources.is_aws_managed(key, region):
            yield kms_resources.via_service(key_action, key, region, "ssm", PARAMETER_ARN=_parameter(name, region))

    if action == "PutParameter" and given.get("Type") == "SecureString":
        advanced = tier_of(str(given.get("Tier") or ""), str(given["Value"])) == "Advanced"
        yield from use("GenerateDataKey" if advanced else "Encrypt", given.get("KeyId"), names[0])
    if given.get("WithDecryption"):
        stored = ssm_backends[ACCOUNT][region]._parameters
        path = f"{str(given.get('Path', '')).rstrip('/')}/"
        below = [name for name in list(stored) if "Path" in given and name.startswith(path)]
        direct = [name for name in below if given.get("Recursive") or "/" not in name.removeprefix(path)]
        for name in direct or [each.partition(":")[0] for each in names if "Path" not in given]:
            secret = stored[name][-1] if stored.get(name) else None
            if secret and secret.parameter_type == "SecureString":
                yield from use("Decrypt", secret.keyid, name)


def _parameter(name: str, region: str) -> str:
    if name.startswith("arn:"):
        return name
    # `name:3` and `name:label` are versions of one parameter.
    return _arn(region, f"parameter/{name.partition(':')[0].removeprefix('/')}")


def _of_document(region: str, action: str, given: Mapping[str, Any]) -> Iterator[Permission]:
    requested = given.get("Tags")
    for each in (action, *(["AddTagsToResource"] if requested else [])):
        yield Permission(f"ssm:{each}", *_document(region, str(given.get("Name") or "*"), requested))


def _document(region: str, name: str, requested: Any = None) -> tuple[str, dict[str, str]]:
    existing = ssm_backends[ACCOUNT][region]._resource_tags["Document"].get(name)
    return _arn(region, f"document/{name}"), tag_context(existing, requested)


def _of_association(region: str, action: str, given: Mapping[str, Any]) -> Iterator[Permission]:
    """An association by its id, with its tags. Creating or changing one also needs a permission for its document."""
    id_, requested = str(given.get("AssociationId") or "*"), given.get("Tags")
    backend = ssm_backends[ACCOUNT][region]
    context = tag_context(backend._resource_tags["Association"].get(id_), requested)
    for each in (action, *(["AddTagsToResource"] if requested else [])):
        yield Permission(f"ssm:{each}", _arn(region, f"association/{id_}"), context)
    if action in ("CreateAssociation", "UpdateAssociation"):
        name = given.get("Name") or associations(backend).get(id_, {}).get("Name") or "*"
        yield Permission(f"ssm:{action}", *_document(region, str(name)))


def _of_tags(region: str, action: str, given: Mapping[str, Any]) -> Permission:
    kind, id_ = str(given["ResourceType"]), str(given["ResourceId"])
    context = tag_context(ssm_backends[ACCOUNT][region]._resource_tags[kind].get(id_), given.get("Tags"))
    return Permission(f"ssm:{action}", _arn(region, f"{kind.lower()}/{id_}"), context)


def _arn(region: str, resource: str) -> str:
    return f"arn:aws:ssm:{region}:{ACCOUNT}:{resource}"
