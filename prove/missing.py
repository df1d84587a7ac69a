"""What the proof lacks, one sentence each. Nothing is created while anything is missing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from prove.command_line import FailedError, Pulumi
from settings import SettingsError
from tools import stack_file, stack_name
from tools.pulumi_cli import AnswerError, expected_json, stack_names
from tools.stack_file import StackFile, StackFileError, no_folder

EXAMPLES = [IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
"""RFC 5737: addresses for documentation, which no one uses."""

PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def missing(pulumi: Pulumi, settings: Path, report: Path) -> tuple[dict[str, Any], list[str]]:
    """The settings' `config`, and what has to be done first: nothing if the proof can begin. report: the file to
    write."""
    config, faults = _read(settings)
    if not stack_name.is_valid(pulumi.stack):
        faults.append(f"{stack_name.refusal(pulumi.stack)}, such as PROOF=proof.")
    if report.is_dir() or not os.access(report.parent, os.W_OK):
        faults.append(f"The report {report} cannot be written: name a file in a writable folder with REPORT=FILE.")
    if not pulumi.project.is_dir():
        faults.append(no_folder(pulumi.project))
    elif shutil.which("pulumi") is None:
        faults.append("There is no `pulumi` on the PATH: see https://www.pulumi.com/docs/install/.")
    else:
        faults += _about_pulumi(pulumi)
    faults += _about_aws(str(config.get("aws:region") or ""))
    return config, faults


def _read(settings: Path) -> tuple[dict[str, Any], list[str]]:
    """The settings' `config`, and what is wrong with them or the file."""
    try:
        file = stack_file.parse(settings.read_text(encoding="utf-8"), settings.stem, str(settings))
    except OSError as error:
        return {}, [f"The settings file {settings} cannot be read ({error.strerror}): name one with SETTINGS=FILE."]
    except UnicodeDecodeError:
        return {}, [f"The settings file {settings} is not UTF-8 text: name one with SETTINGS=FILE."]
    except StackFileError as error:
        return {}, [f"{error}."]
    return dict(file.config), list(_about_settings(file, settings))


def _about_settings(file: StackFile, settings: Path) -> Iterator[str]:
    for key in ("operatorCidrs", "agentCidrs"):
        ranges = file.config.get(f"monitoring:{key}")
        for text in ranges if isinstance(ranges, list) else ():
            if _is_example(str(text)):
                yield (
                    f"{settings}: monitoring:{key} has the example {text}, which is no one's address: "
                    "write the range that you connect from (`curl https://checkip.amazonaws.com`)."
                )
    try:
        file.settings()
    except SettingsError as error:
        yield from (f"{settings}: {mistake}." for mistake in error.mistakes)
    if file.config.get("monitoring:protect", False) not in (False, "false"):  # `pulumi config set` writes it in quotes
        yield f"{settings} has monitoring:protect, so the stack could not be destroyed at the end: leave it out."
    if file.encrypted:
        yield (
            f"{settings} has encrypted values, which only their own stack can decrypt: leave them out, or "
            "name another file with SETTINGS=FILE."
        )


def _is_example(text: str) -> bool:
    try:
        return any(IPv4Network(text, strict=False).subnet_of(example) for example in EXAMPLES)
    except ValueError:
        return False  # `pulumi up` reports it


def _about_pulumi(pulumi: Pulumi) -> Iterator[str]:
    unexpected = AnswerError(
        "`pulumi whoami --json` or `pulumi stack ls --json` did not print the expected JSON: check that "
        f"{shutil.which('pulumi')} is Pulumi's CLI."
    )
    try:
        with expected_json(unexpected):
            backend = str(json.loads(pulumi.ask("whoami", "--json"))["url"])
            stacks = stack_names(pulumi.ask("stack", "ls", "--json"))
    except FailedError:
        yield "Pulumi is not logged in: run `pulumi login`, or `pulumi login --local`."
        return
    except AnswerError as error:
        yield str(error)
        return
    name, file = pulumi.stack, pulumi.project / f"Pulumi.{pulumi.stack}.yaml"
    if name in stacks or file.exists():
        yield (
            f"The stack {name}, or its file {file.name}, already exists: if it is left over from an earlier proof, run "
            f"`pulumi destroy --stack {name}` and `pulumi stack rm {name}`; otherwise choose a name with PROOF=NAME."
        )
    # https://www.pulumi.com/docs/iac/concepts/secrets: every other backend encrypts with a passphrase by default.
    if not backend.startswith("https://") and not any(os.environ.get(each) for each in PASSPHRASES):
        yield f"{backend} needs a passphrase for the stack's secrets: set PULUMI_CONFIG_PASSPHRASE."


def _about_aws(region: str) -> list[str]:
    try:
        boto3.client("sts", region_name=region or "us-east-1").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [f"AWS does not accept your credentials ({error}): set AWS_PROFILE, or run `aws configure`."]
    return []
