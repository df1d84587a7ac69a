"""A deployment's permissions on network interfaces: those of servers (components/network.py), and those that Timestream
for InfluxDB creates with the caller's permissions (bootstrap/databases.py)."""

from __future__ import annotations

from bootstrap.account import PROJECT, TAG, Account, Statement, allow


def changing(account: Account) -> list[Statement]:
    """Creating an interface requires no tag, because the database's has none."""
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    interfaces, made = account.ec2("network-interface"), "CreateNetworkInterface"
    return [
        allow("MakeInterfaces", account.ec2("network-interface", "subnet"), f"ec2:{made}"),
        allow("GuardInterfaces", account.ec2("security-group"), f"ec2:{made}", Condition=own),
        allow(
            "TagInterfaces",
            interfaces,
            "ec2:CreateTags",
            Condition={"StringEquals": {"ec2:CreateAction": made, f"aws:RequestTag/{TAG}": PROJECT}},
        ),
        allow(
            "ChangeInterfaces",
            interfaces,
            "ec2:CreateTags",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteTags",
            Condition=own,
        ),
        # An address is associated with an instance's network interface, which has no tags.
        allow("UseInterfaces", interfaces, "ec2:AssociateAddress", "ec2:DisassociateAddress"),
    ]
