"""The zone of Route 53 that holds the stack's `domain`, looked up before anything is created."""

from __future__ import annotations

import re

import pulumi
import pulumi_aws as aws

from program.lookups import RefusedError, look_up
from settings import Settings
from settings.aws_names import ZONE_ID, lies_in

NO_SUCH_ZONE = ("no matching", "couldn't find resource")
"""The provider's errors for an unknown name and an unknown ID (terraform-provider-aws, service/route53)."""


def find_zone(settings: Settings, opts: pulumi.InvokeOptions) -> str | None:
    """The zone's ID; None without `route53Zone`.

    Raises pulumi.RunError when the account has no such zone, when it is private, and when `domain` is not in it.
    (settings/contradictions already finds a domain that is not in a zone given by name.)
    """
    given = settings.route53_zone
    if given is None or settings.domain is None:
        return None
    key = f"monitoring:route53Zone = {given}"
    by_id = bool(re.fullmatch(ZONE_ID, given))
    try:
        # By name, only public zones are found.
        zone = look_up(aws.route53.get_zone, opts, **{"zone_id" if by_id else "name": given})
    except RefusedError as error:
        if any(words in error.said for words in NO_SUCH_ZONE):
            raise pulumi.RunError(
                f"{key}: this account has no such public zone; write its ID or name as `aws route53 list-hosted-zones` "
                "shows it"
            ) from None
        if "multiple" in error.said:
            raise pulumi.RunError(f"{key}: several public zones have that name; write the ID of one") from None
        raise
    if zone.private_zone:
        raise pulumi.RunError(f"{key}: is a private zone, which only its VPCs see; name a public one")
    if not lies_in(settings.domain, zone.name):
        raise pulumi.RunError(
            f"{key}: is the zone of {zone.name}, which does not contain {settings.domain}; name the zone that does"
        )
    return zone.zone_id
