"""`python tools/list_backups.py [--stack NAME]`: the stack's backups in S3, newest first.

The bucket is an output of the stack. S3 is queried with the identity of the stack's AWS provider (program/identity.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

# When run as a script, sys.path has this folder instead of the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from program.identity import identity
from tools.command import run
from tools.pulumi_cli import AnswerError, json_object, pulumi, text_output

COMPLETE = "complete"
"""The object that makes a backup count (userdata/server/backup.sh)."""


class ListingError(Exception):
    """The backups cannot be listed; the message says why."""


@dataclass
class Backup:
    """One backup as S3 has it. size: bytes of all its objects."""

    id: str
    size: int = 0
    objects: int = 0
    complete: bool = False

    def __str__(self) -> str:
        state = "complete" if self.complete else "INCOMPLETE: not counted as a backup"
        return f"{self.id}  {self.size / 2**20:10.1f} MiB  {self.objects:5} objects  {state}"


def collect(objects: Iterable[Mapping[str, Any]]) -> list[Backup]:
    """The backups that these S3 objects (`Key`, `Size`) belong to, newest first."""
    found: dict[str, Backup] = {}
    for each in objects:
        # Skip objects that someone else put next to the backups.
        _, name, file = [*each["Key"].split("/", 2), "", ""][:3]
        if not file:
            continue
        backup = found.setdefault(name, Backup(name))
        backup.size += each["Size"]
        backup.objects += 1
        backup.complete = backup.complete or file == COMPLETE
    return sorted(found.values(), key=lambda backup: backup.id, reverse=True)


def aws_settings(configuration: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The stack's settings `aws:…` by name, from what `pulumi config --json` prints."""
    return {
        key.removeprefix("aws:"): value.get("objectValue", value.get("value"))
        for key, value in configuration.items()
        if key.startswith("aws:") and isinstance(value, dict)
    }


def main(arguments: list[str]) -> int:
    """Print the list. Returns 1 if there is no complete backup, or if the backups cannot be listed."""
    parser = argparse.ArgumentParser(prog="list_backups.py", description="List a stack's backups in S3, newest first.")
    parser.add_argument("--stack", help="by default the selected stack")
    given = parser.parse_args(arguments)
    which = ["--stack", given.stack] if given.stack else []
    try:
        name = pulumi("stack", "--show-name", *which)
        outputs = json_object(pulumi("stack", "output", "--json", *which))
        if not outputs.get("backupBucket"):
            raise ListingError(
                f"The stack {name} has no bucket for backups: `pulumi up` creates it, unless backups are off."
            )
        bucket = text_output(outputs, "backupBucket")
        found = aws_settings(json_object(pulumi("config", "--json", "--show-secrets", *which)))
        if not found.get("region"):
            raise ListingError(f"The stack {name} has no region: set aws:region in Pulumi.{name}.yaml.")
        try:
            client = identity(found, str(found["region"])).client("s3")
        except (ValueError, KeyError, TypeError, AttributeError):  # the program names it without showing secrets
            raise ListingError(f"The stack {name} has an invalid aws:… setting; `pulumi preview` names it.") from None
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{name}/")
        backups = collect(each for page in pages for each in page.get("Contents", []))
    except (ListingError, AnswerError, BotoCoreError, ClientError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    print(f"s3://{bucket}/{name}/")
    print("\n".join(map(str, backups)) or "There are no backups yet.")
    return 0 if any(backup.complete for backup in backups) else 1


if __name__ == "__main__":
    run(main)
