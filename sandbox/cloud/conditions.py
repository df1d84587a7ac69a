"""Conditions of IAM statements, and IAM's wildcards.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html. An operator or key
that is unknown here is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from sandbox.cloud.permission import ENCRYPTION_CONTEXT, SEPARATOR, TAG_PREFIXES

KEYS = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:sourceip",
        "aws:userid",
        "aws:username",
        "ec2:createaction",
        "iam:passedtoservice",
        "iam:permissionsboundary",
        "iam:policyarn",
        "kms:grantisforawsresource",
        "kms:viaservice",
        "route53:changeresourcerecordsetsactions",
        "route53:changeresourcerecordsetsnormalizedrecordnames",
        "route53:changeresourcerecordsetsrecordtypes",
        "s3:delimiter",
        "s3:max-keys",
        "s3:prefix",
        "sts:externalid",
    }
)
"""The context keys known here. A known key can still be absent, such as `aws:username` for a role's session."""

CLAIM = re.compile(r"[a-z0-9.-]+\.[a-z]{2,}(/[\w./-]*)?:(aud|sub)")
"""Keys that combine an identity provider's URL and a claim, as in a role's trust policy. AWS has more claims."""


class UnknownConditionError(Exception):
    """A condition that the local AWS cannot evaluate correctly."""


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with IAM's wildcards: `*` for any characters, colons and slashes too; `?` for
    one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda wanted, actual: wanted == actual,
    "stringequalsignorecase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "stringlike": matches,
    "arnequals": matches,
    "arnlike": matches,
    "bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "numericequals": lambda wanted, actual: float(actual) == float(wanted),
    "numericlessthan": lambda wanted, actual: float(actual) < float(wanted),
    "numericlessthanequals": lambda wanted, actual: float(actual) <= float(wanted),
    "numericgreaterthan": lambda wanted, actual: float(actual) > float(wanted),
    "numericgreaterthanequals": lambda wanted, actual: float(actual) >= float(wanted),
    # All times have the same ISO 8601 format, in UTC, so they sort as text.
    "datelessthan": lambda wanted, actual: actual < wanted,
    "dategreaterthan": lambda wanted, actual: actual > wanted,
    "ipaddress": lambda wanted, actual: ip_address(actual) in ip_network(wanted, strict=False),
}

NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
    "notipaddress": "ipaddress",
}


FOR_ALL_VALUES, MULTIVALUED = "forallvalues:", "route53:changeresourcerecordsets"
"""The operator for keys with several values, and the prefix of all such keys known here."""


def hold(block: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Whether all conditions of a statement are met. Raises UnknownConditionError."""
    known = {key.lower(): value for key, value in context.items()}
    return all(_holds(operator, key, wanted, known) for operator, keys in block.items() for key, wanted in keys.items())


def _holds(operator: str, key: str, wanted: Any, context: Mapping[str, str]) -> bool:
    name, lowered = operator.lower(), key.lower()
    family = next((each.lower() for each in TAG_PREFIXES if lowered.startswith(each.lower())), None)
    known = lowered in KEYS or family in context or lowered.startswith(ENCRYPTION_CONTEXT.lower())
    if not known and not CLAIM.fullmatch(lowered):
        raise UnknownConditionError(f"condition key {key}")
    actual = context.get(lowered)
    values = [str(each) for each in wanted] if isinstance(wanted, list) else [str(wanted)]
    if name == "null":
        return (actual is None) == (values[0].lower() == "true")
    if name.startswith(FOR_ALL_VALUES) and lowered.startswith(MULTIVALUED):
        # A request without the key passes (reference_policies_condition-single-vs-multi-valued-context-keys.html).
        each = [] if actual is None else actual.split(SEPARATOR)
        return all(
            _holds(name.removeprefix(FOR_ALL_VALUES), key, wanted, {**context, lowered: value}) for value in each
        )
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated = name in NEGATED
    compare = OPERATORS.get(NEGATED.get(name, name))
    if compare is None:
        raise UnknownConditionError(f"condition operator {operator}")
    if actual is None:
        # A missing key fails a comparison and passes a negated one.
        return optional or negated
    return any(compare(substitute(value, context), actual) for value in values) != negated


def substitute(text: str, context: Mapping[str, str]) -> str:
    """The text with its policy variables (`${aws:username}`) replaced by the request's values.

    A variable without a value matches nothing.
    """
    known = {key.lower(): value for key, value in context.items()}

    def value(found: re.Match[str]) -> str:
        key = found[1].lower()
        if key not in KEYS:
            raise UnknownConditionError(f"policy variable {found[0]}")
        return known.get(key, "\0")

    return re.sub(r"\$\{([\w:/-]+)\}", value, text)
