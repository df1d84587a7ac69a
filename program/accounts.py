"""Other accounts whose CloudWatch Grafana reads: their datasources' names, and the policies that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from program.boards import CLOUDWATCH_UID
from program.policies import read_cloudwatch, trusting
from settings import CloudwatchAccount, Settings


def uid(account: CloudwatchAccount) -> str:
    """The uid of the account's datasource."""
    return f"{CLOUDWATCH_UID}-{account.name}"


def region(settings: Settings, account: CloudwatchAccount) -> str:
    """The region that the account's datasource starts with."""
    return account.region or settings.shown_region


def policies(
    accounts: Sequence[CloudwatchAccount], reader: pulumi.Output[str]
) -> Mapping[str, Mapping[str, pulumi.Output[str] | str]]:
    """What each account gives its role, by the account's name: the trust policy and the role's own, as JSON texts.

    reader: ARN of Grafana's identity.
    """

    def trust(account: CloudwatchAccount) -> pulumi.Output[str]:
        return reader.apply(lambda arn: trusting(arn, account.external_id))

    return {
        account.name: {"role": account.role_arn, "trustPolicy": trust(account), "policy": read_cloudwatch()}
        for account in accounts
    }
