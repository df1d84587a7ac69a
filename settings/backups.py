"""When backups are made, how long they are kept, and which one a new environment starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import WrongValueError
from settings.part import Part

ID = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])-[0-5][0-9]-[0-5][0-9]Z"
"""A backup's ID: when it began, in a form that an object's name may have."""

BUCKET = (
    r"(?!xn--|sthree-|amzn-s3-demo-|[0-9.]+/)(?![^/]*(\.\.|\.-|-\.))(?![^/]*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)/)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
"""docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, general purpose buckets. The pattern expects
a slash after it."""

STACK = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
"""pulumi.com/docs/iac/concepts/stacks: names of stacks, as far as a bucket can be named after them
(settings/stack_name.py)."""

# man 7 systemd.time, CALENDAR EVENTS: the timer is `*-*-* TIME:00 UTC` (userdata/server/backup.timer).
Time = Annotated[
    str,
    v.matching(
        r"([01][0-9]|2[0-3]):[0-5][0-9]", "is not a time of day", 'write hours and minutes in UTC, such as "04:00"'
    ),
]


AHEAD = timedelta(days=1)
"""By how much the server's clock may be ahead of this machine's."""


def _source(value: Any) -> str:
    """`latest` or a backup's ID, of this stack or of one in another bucket."""
    wrong = "does not name a backup"
    instead = "write latest, an ID such as 2026-11-24T04-00-00Z, or s3://BUCKET/STACK/latest for another stack's"
    if not re.fullmatch(rf"(s3://{BUCKET}/{STACK}/)?(latest|{ID})", v.text(value)):
        raise WrongValueError(wrong, instead)
    backup = value.rpartition("/")[2]
    if backup == "latest":
        return str(value)
    try:
        begun = datetime.strptime(backup, "%Y-%m-%dT%H-%M-%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise WrongValueError(wrong, instead) from None
    if begun > datetime.now(UTC) + AHEAD:
        raise WrongValueError("is in the future, so there is no such backup", "write the ID of one that exists")
    return str(value)


Source = Annotated[str, BeforeValidator(_source)]


class Backups(Part):
    """The daily backup to S3.

    schedule: time of day, UTC. keep: days; S3 accepts any number (docs.aws.amazon.com/AmazonS3/latest/API/
    API_LifecycleExpiration.html). now: raising it makes a backup at once.
    """

    enabled: v.Flag = True
    schedule: Time = "04:00"
    keep: Annotated[int, v.whole(1, 365, "days")] = 7
    now: Annotated[int, v.whole(0, 1_000_000, "the number of backups requested")] = 0


@dataclass(frozen=True)
class Origin:
    """Which backup to restore. bucket, stack: empty for the stack's own. backup: an ID or `latest`."""

    bucket: str
    stack: str
    backup: str


def origin(restore_from: str) -> Origin:
    """A checked `restoreFrom` in its parts."""
    *elsewhere, backup = restore_from.removeprefix("s3://").split("/")
    bucket, stack = elsewhere or ("", "")
    return Origin(bucket, stack, backup)
