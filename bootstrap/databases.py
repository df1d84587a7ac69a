"""What the two roles may do for the setting `database` (components/timestream.py): in a policy outside the role,
because IAM takes no more inside a role (bootstrap/roles.py)."""

from __future__ import annotations

from bootstrap.account import PROJECT, TAG, Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection read from AWS; both roles may."""
    read = ("timestream-influxdb:GetDbInstance", "timestream-influxdb:ListTagsForResource")
    return [allow("ReadDatabases", account.databases, *read)]


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` and `pulumi destroy` need on top of `reading`.

    The service puts a network interface of the caller's into the subnet (AmazonTimestreamInfluxDBFullAccess in AWS's
    list of managed policies; bootstrap/interfaces.py), and, with an account's first instance, makes its role, which is
    called in two ways there and in its own guide (using-service-linked-roles.html).
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
