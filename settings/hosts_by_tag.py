"""The tag that EC2 instances are chosen by to get an agent."""

from __future__ import annotations

from typing import Any

from settings import aws_tags
from settings import values as v
from settings.mistakes import WrongValueError

AWS_TAGS = "aws:"
"""How names of tags begin that AWS itself sets. Systems Manager takes them, `aws:autoscaling:groupName` above all
(docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-state-manager-asg.html)."""


def one_tag(value: Any) -> dict[str, str]:
    """A tag's name and its value. Only one: with two, it would not be clear whether both are needed or either."""
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write the tag as `name: value`, such as Monitoring: on")
    if len(value) > 1:
        raise WrongValueError(f"has {len(value)} tags", "write one, and give it to all hosts")
    for name, content in value.items():
        if isinstance(content, bool):
            raise WrongValueError("is true or false, not a string", f'write it in quotes: "{str(content).lower()}"')
        if name != name.strip():
            raise WrongValueError("has a space at an end of its name", "write it without")
        # How Systems Manager itself writes it in a target.
        if name.lower().startswith("tag:"):
            raise WrongValueError("has a name that begins with tag:", "write the tag's name alone, such as Monitoring")
        # docs.aws.amazon.com/systems-manager/latest/APIReference/API_Target.html (Key)
        if "+" in name:
            wrong = "has a + in its name, which Systems Manager does not take"
            raise WrongValueError(wrong, "choose instances by another tag")
        aws_tags.check(name.removeprefix(AWS_TAGS), v.text(content))
    return value
