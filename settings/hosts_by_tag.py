"""The tag that EC2 instances are chosen by to get an agent."""

from __future__ import annotations

from typing import Any

from settings import aws_tags
from settings import values as v
from settings.mistakes import WrongValueError

AWS_TAGS = "aws:"
"""The prefix of tags that AWS itself sets. Systems Manager accepts them, such as `aws:autoscaling:groupName`
(docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-state-manager-asg.html)."""


def one_tag(value: Any) -> dict[str, str]:
    """One tag's name and value. With two it would not be clear whether both or either must match."""
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write the tag as `name: value`, such as Monitoring: on")
    if len(value) > 1:
        raise WrongValueError(f"has {len(value)} tags", "write one, and give it to all hosts")
    for name, content in value.items():
        if isinstance(content, bool):
            raise WrongValueError("is true or false, not a string", f'write it in quotes: "{str(content).lower()}"')
        if name != name.strip():
            raise WrongValueError("has a name with leading or trailing spaces", "write it without them")
        # Systems Manager itself writes targets like that.
        if name.lower().startswith("tag:"):
            raise WrongValueError("has a name that begins with tag:", "write only the tag's name, such as Monitoring")
        # docs.aws.amazon.com/systems-manager/latest/APIReference/API_Target.html (Key)
        if "+" in name:
            wrong = "has a + in its name, which Systems Manager does not accept"
            raise WrongValueError(wrong, "choose instances by another tag")
        aws_tags.check(name.removeprefix(AWS_TAGS), v.text(content))
    return value
