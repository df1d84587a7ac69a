"""Names of stacks that a bucket can be named after. S3 would refuse others, but only when the bucket is created."""

from __future__ import annotations

import re

PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
NO_HOST = re.compile(r"[-_]\.|\.[-_]")
LONGEST = 36
"""S3's 63 letters, less `monitoring-`, `-backups` (components/backups.py) and the dash and seven digits with which the
provider makes the name unique; it refuses longer names (pulumi/pulumi-aws, provider/resources.go, the field
`bucket`). tests/engine/test_nonsense.py previews a stack with such a name."""


def wrong_for_a_bucket(stack: str) -> str | None:
    """Why no bucket for backups can be named after the stack; None if one can.

    docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a period next to a hyphen is not allowed in a
    host name.
    """
    fine = PATTERN.fullmatch(stack) and not NO_HOST.search(stack)
    if fine and len(stack) <= LONGEST:
        return None
    wrong = f"has {len(stack)} characters" if fine else "cannot be part of a bucket name"
    return (
        f"the stack's name {stack}: {wrong}; use at most {LONGEST} letters, digits, - and _, with single periods "
        "between letters or digits, and start with a letter or digit; or set monitoring:backups.enabled to false"
    )
