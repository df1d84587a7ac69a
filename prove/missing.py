"""What the proof lacks, one sentence each; nothing is made as long as there is anything."""

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
from settings import SettingsError, core_yaml
from settings.core_yaml import BrokenYamlError
from tools import stack_file
from tools.stack_file import PULUMIS_NAME, no_folder, no_name

EXAMPLES = [IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
"""RFC 5737: addresses of documentation, which nobody has."""

PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def missing(pulumi: Pulumi, settings: Path, report: Path) -> list[str]:
    """All that has to be done before; empty when the proof can begin. report: where it will be written."""
    config, faults = read(settings)
    faults += list(_about_settings(config, settings)) if config else []
    if not PULUMIS_NAME.fullmatch(pulumi.stack):
        faults.append(f"{no_name(pulumi.stack)}, such as PROOF=proof.")
    if report.is_dir() or not os.access(report.parent, os.W_OK):
        faults.append(f"The report {report} cannot be written: name a file in a folder of yours with REPORT=FILE.")
    if not pulumi.project.is_dir():
        faults.append(no_folder(pulumi.project))
    elif shutil.which("pulumi") is None:
        faults.append("There is no `pulumi` on the PATH: install it as https://www.pulumi.com/docs/install/ says.")
    else:
        faults += _about_pulumi(pulumi)
    faults += _about_aws(str(config.get("aws:region") or ""))
    return faults


def read(settings: Path) -> tuple[dict[str, Any], list[str]]:
    """The settings' `config`, and what is wrong with the file."""
    try:
        content = core_yaml.load(settings.read_text(encoding="utf-8"))
        return dict(content["config"]), []
    except OSError as error:
        return {}, [f"The file of settings {settings} cannot be read ({error.strerror}): name one with SETTINGS=FILE."]
    except (BrokenYamlError, TypeError, KeyError, ValueError):
        return {}, [f"The file {settings} is no stack's settings: it must have `config:` with the settings in it."]


def _about_settings(config: dict[str, Any], settings: Path) -> Iterator[str]:
    for key in ("operatorCidrs", "agentCidrs"):
        ranges = config.get(f"monitoring:{key}")
        for text in ranges if isinstance(ranges, list) else ():
            if _is_example(str(text)):
                yield (
                    f"{settings}: monitoring:{key} has the example {text}, which nobody has: "
                    "write the range of the machine you sit at (`curl https://checkip.amazonaws.com`)."
                )
    try:
        stack_file.parse(settings.read_text(encoding="utf-8"), settings.stem, settings.name).settings()
    except SettingsError as error:
        yield from (f"{settings}: {mistake}." for mistake in error.mistakes)
    if config.get("monitoring:protect", False) not in (False, "false"):  # in quotes: as `pulumi config set` writes it
        yield f"{settings} has monitoring:protect, so that the stack could not be taken away at the end: leave it out."
    if _secure(config):
        yield (
            f"{settings} has encrypted values, which only their own stack can read: leave them out, or "
            "give another file with SETTINGS=FILE."
        )


def _is_example(text: str) -> bool:
    try:
        return any(IPv4Network(text, strict=False).subnet_of(example) for example in EXAMPLES)
    except ValueError:
        return False  # `pulumi up` says so itself


def _secure(value: Any) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(_secure(part) for part in value.values())
    return isinstance(value, list) and any(_secure(part) for part in value)


def _about_pulumi(pulumi: Pulumi) -> Iterator[str]:
    try:
        backend = json.loads(pulumi.ask("whoami", "--json"))["url"]
        stacks = json.loads(pulumi.ask("stack", "ls", "--json"))
    except FailedError:
        yield "Pulumi is not logged in: type `pulumi login`, or `pulumi login --local`."
        return
    name, file = pulumi.stack, pulumi.project / f"Pulumi.{pulumi.stack}.yaml"
    if name in [each["name"].rsplit("/", 1)[-1] for each in stacks] or file.exists():
        yield (
            f"There is a stack {name}, or its file {file.name}, already: if it is left from an earlier proof, type "
            f"`pulumi destroy --stack {name}` and `pulumi stack rm {name}`; else choose a name with PROOF=NAME."
        )
    # https://www.pulumi.com/docs/iac/concepts/secrets: every other backend encrypts with a passphrase by default.
    if not backend.startswith("https://") and not any(os.environ.get(each) for each in PASSPHRASES):
        yield f"{backend} needs a passphrase for the stack's secrets: set PULUMI_CONFIG_PASSPHRASE."


def _about_aws(region: str) -> list[str]:
    try:
        boto3.client("sts", region_name=region or "us-east-1").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [f"AWS does not know who you are ({error}): set AWS_PROFILE, or type `aws configure`."]
    return []
