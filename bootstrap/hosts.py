"""The two roles' permissions for the setting `hostsByTag` (components/tagged_hosts.py), in the policy of `databases`.

State Manager runs a document as root on every instance with the tag. Of all documents, the deploy role can only choose
the program's own.
"""

from __future__ import annotations

from bootstrap.account import PROJECT, TAG, Account, Statement, allow


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection read from AWS; both roles may."""
    return [
        allow(
            "ReadDocuments",
            account.documents,
            "ssm:DescribeDocument",
            "ssm:DescribeDocumentPermission",
            "ssm:GetDocument",
            "ssm:ListTagsForResource",
        ),
        allow("ReadAssociations", account.associations, "ssm:DescribeAssociation", "ssm:ListTagsForResource"),
    ]


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` and `pulumi destroy` need on top of `reading`."""
    return [
        allow(
            "ChangeDocuments",
            account.documents,
            "ssm:AddTagsToResource",
            "ssm:CreateAssociation",
            "ssm:CreateDocument",
            "ssm:DeleteDocument",
            "ssm:RemoveTagsFromResource",
            "ssm:UpdateAssociation",
        ),
        allow(
            "MakeAssociations",
            account.associations,
            "ssm:AddTagsToResource",
            "ssm:CreateAssociation",
            Condition={"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}},
        ),
        allow(
            "ChangeAssociations",
            account.associations,
            "ssm:AddTagsToResource",
            "ssm:DeleteAssociation",
            "ssm:RemoveTagsFromResource",
            "ssm:UpdateAssociation",
            Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}},
        ),
    ]
