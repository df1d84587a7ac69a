"""The two roles' permissions for the setting `database` (components/timestream.py), in a policy outside the role,
because IAM limits the size of policies inside it (bootstrap/roles.py)."""

from __future__ import annotations

from bootstrap.account import PROJECT, TAG, Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection read from AWS; both roles may."""
    read = ("timestream-influxdb:GetDbInstance", "timestream-influxdb:ListTagsForResource")
    return [allow("ReadDatabases", account.databases, *read)]


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` and `pulumi destroy` need on top of `reading`.

    The service creates a network interface in the subnet with the caller's permissions
    (AmazonTimestreamInfluxDBFullAccess in AWS's list of managed policies; bootstrap/interfaces.py). With an account's
    first instance it creates its role, which that list and its own guide (using-service-linked-roles.html) name
    differently.
    """
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    services = ["timestream-influxdb.amazonaws.com", "timestreamforinfluxdb.amazonaws.com"]
    return [
        allow(
            "MakeDatabases",
            account.databases,
            "timestream-influxdb:CreateDbInstance",
            "timestream-influxdb:TagResource",
            Condition={"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}},
        ),
        allow(
            "ChangeDatabases",
            account.databases,
            "timestream-influxdb:DeleteDbInstance",
            "timestream-influxdb:TagResource",
            "timestream-influxdb:UntagResource",
            "timestream-influxdb:UpdateDbInstance",
            Condition=own,
        ),
        allow(
            "LinkDatabases",
            [arn for each in services for arn in account.iam("role", f"aws-service-role/{each}/*")],
            "iam:CreateServiceLinkedRole",
            Condition={"StringEquals": {"iam:AWSServiceName": services}},
        ),
    ]
