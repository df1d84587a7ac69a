"""Route 53's zones and changes as resources of IAM policies.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html; the condition keys of a change:
docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cloud.permission import SEPARATOR, Permission

PREFIX = "route53:ChangeResourceRecordSets"


def needed(response: Any, action: str) -> Iterator[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. action: without `route53:`."""
    zone = response._get_param("HostedZoneId")
    if action == "GetHostedZone":
        zone = response._get_param("Id")
    if action == "ListTagsForResource":
        zone = response._get_param("ResourceId")
    if action == "GetChange":
        yield Permission("route53:GetChange", f"arn:aws:route53:::change/{_last(response._get_param('Id'))}")
        return
    changes = response._get_param("ChangeBatch.Changes") if action == "ChangeResourceRecordSets" else None
    resource = f"arn:aws:route53:::hostedzone/{_last(zone)}" if zone else "*"
    yield Permission(f"route53:{action}", resource, _conditions(changes or []))


def _last(id_: str) -> str:
    """The id without its path: `/hostedzone/Z1` and `Z1` are the same."""
    return str(id_).rpartition("/")[2]


def _conditions(changes: list[Mapping[str, Any]]) -> dict[str, str]:
    """The condition keys of changes. Names are compared in lower case, without the trailing dot."""
    if not changes:
        return {}
    sets = [each["ResourceRecordSet"] for each in changes]
    return {
        f"{PREFIX}Actions": SEPARATOR.join(each["Action"] for each in changes),
        f"{PREFIX}NormalizedRecordNames": SEPARATOR.join(each["Name"].lower().rstrip(".") for each in sets),
        f"{PREFIX}RecordTypes": SEPARATOR.join(each["Type"] for each in sets),
    }
