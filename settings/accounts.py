"""Other AWS accounts whose CloudWatch Grafana reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from settings import aws_names
from settings import values as v
from settings.mistakes import WrongValueError
from settings.part import Part, as_list

LONGEST_ARNS = 5000
"""Characters of all roles' ARNs together: IAM's managed policies hold 6,144 (docs.aws.amazon.com/IAM/latest/UserGuide/
reference_iam-quotas.html), and this one has other statements, too (program/policies.py)."""


class CloudwatchAccount(Part):
    """An account that Grafana reads with a role there.

    name: of its datasource. external_id: what the role's trust policy asks for, if anything; it is no secret (docs.aws.
    amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html). region: the datasource's own; None for
    the stack's.
    """

    # Grafana's uids have up to 40 letters, digits, - and _ (pkg/util/shortid_generator.go); this one begins with
    # `cloudwatch-`.
    name: Annotated[
        str,
        v.matching(
            r"[a-z0-9]([a-z0-9-]{0,27}[a-z0-9])?",
            "is not a usable name",
            "use up to 29 lowercase letters, digits and dashes, such as shop-prod",
        ),
    ]
    # docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html: a path of up to 512 characters, a name of up to 64.
    role_arn: Annotated[
        str,
        v.matching(
            r"arn:(aws|aws-us-gov):iam::[0-9]{12}:role/(?=.{1,575}$)([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}",
            "is not a role's ARN",
            "write it as arn:aws:iam::210987654321:role/monitoring",
        ),
    ]
    # docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (ExternalId)
    external_id: (
        Annotated[
            str,
            v.matching(
                r"[A-Za-z0-9_+=,.@:/-]{2,1224}",
                "is not an external ID",
                "use 2 to 1,224 letters, digits and _+=,.@:/-",
            ),
        ]
        | None
    ) = None
    region: aws_names.Region | None = None

    @property
    def partition(self) -> str:
        """The partition that the role is in."""
        return self.role_arn.split(":")[1]


def listed(value: Any) -> Any:
    """A list of accounts, whose roles fit into one policy."""
    arns = [str(one.get("roleArn", "")) for one in as_list(value) if isinstance(one, dict)]
    if (size := sum(map(len, arns))) > LONGEST_ARNS:
        raise WrongValueError(
            f"has {size} characters of role ARNs; IAM's policies hold about {LONGEST_ARNS}",
            "write fewer accounts, or roles with shorter names and paths",
        )
    return value


def repeated(given: Any) -> Iterator[tuple[int, str, WrongValueError]]:
    """Accounts with the name of an earlier one, as (number, its setting, what is wrong)."""
    names: set[str] = set()
    for number, one in enumerate(given if isinstance(given, list) else []):
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(name, str):
            if name in names:
                yield (
                    number,
                    "name",
                    WrongValueError("is also the name of an earlier account", "give each account its own name"),
                )
            names.add(name)
