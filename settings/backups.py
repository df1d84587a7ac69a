"""When backups are made, how long they are kept, and which one a new environment begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from settings import values as v
from settings.part import Part

ID = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])-[0-5][0-9]-[0-5][0-9]Z"
"""A backup's id: the moment it began, as an object's name may have it."""

BUCKET = (
    r"(?!xn--|sthree-|amzn-s3-demo-|[0-9.]+/)(?![^/]*(\.\.|\.-|-\.))(?![^/]*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)/)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
"""docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, of general purpose buckets; a slash follows."""

STACK = r"(?!\.{1,2}/)[A-Za-z0-9_.-]{1,100}"
"""pulumi.com/docs/iac/concepts/stacks: names of stacks; `.` and `..` are steps in a path to curl. A slash follows."""

Time = Annotated[
    str,
    v.matching(
        r"([01][0-9]|2[0-3]):[0-5][0-9]", "is not a time of day", 'write hours and minutes in UTC, such as "04:00"'
    ),
]

Source = Annotated[
    str,
    v.matching(
        rf"(s3://{BUCKET}/{STACK}/)?(latest|{ID})",
        "does not name a backup",
        "write latest, an id such as 2026-11-24T04-00-00Z, or s3://BUCKET/STACK/latest for another stack's",
    ),
]


class Backups(Part):
    """The daily backup to S3.

    schedule: time of day, UTC. keep: days. now: one more makes a backup at once.
    """

    enabled: v.Flag = True
    schedule: Time = "04:00"
    keep: Annotated[int, v.whole(1, 365, "days")] = 7
    now: Annotated[int, v.whole(0, 1_000_000, "the number of backups asked for")] = 0


@dataclass(frozen=True)
class Origin:
    """Which backup to restore. bucket, stack: empty for the stack's own; backup: an id or `latest`."""

    bucket: str
    stack: str
    backup: str


def origin(restore_from: str) -> Origin:
    """A checked `restoreFrom` in its parts."""
    *elsewhere, backup = restore_from.removeprefix("s3://").split("/")
    bucket, stack = elsewhere or ("", "")
    return Origin(bucket, stack, backup)
