"""The two roles' permissions on the names of servers (`route53Zone`), in the zones of the bootstrap's settings."""

from __future__ import annotations

from bootstrap.account import Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection read; both roles may. A zone given by name is looked up in all of the
    account's."""
    if not account.zones:
        return []
    return [
        allow("FindNames", "*", "route53:ListHostedZones"),
        allow(
            "ReadNames",
            account.hosted_zones,
            "route53:GetHostedZone",
            "route53:ListResourceRecordSets",
            "route53:ListTagsForResource",
        ),
    ]


def changing(account: Account) -> list[Statement]:
    """Only address records, so that this cannot prove control of a domain (which takes a TXT record)."""
    if not account.zones:
        return []
    types = {"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["A"]}}
    return [
        allow("ChangeNames", account.hosted_zones, "route53:ChangeResourceRecordSets", Condition=types),
        allow("AwaitNames", f"arn:{account.partition}:route53:::change/*", "route53:GetChange"),
    ]
