"""What a deployment may do to network interfaces: those of servers (components/network.py), and those that Timestream
for InfluxDB makes with the caller's rights (bootstrap/databases.py)."""

from __future__ import annotations

from bootstrap.account import PROJECT, TAG, Account, Statement, allow


def changing(account: Account) -> list[Statement]:
    """The database's interface has no tags, so creating one requires none."""
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
