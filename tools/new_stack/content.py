"""The content of a new stack's file: another one's settings, without those that only apply to that one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from settings import Settings
from settings.stack_name import wrong_for_a_bucket
from tools import stack_name
from tools.new_stack.blocks import blocks, written
from tools.stack_file import StackFile, path

REGION, SIZE = "aws:region", "monitoring:instanceType"
OPERATORS, AGENTS = "monitoring:operatorCidrs", "monitoring:agentCidrs"

ALONE = {
    "hosts": "a machine's agent sends to one stack only: list the new stack's own machines",
    "hostsFile": "a machine's agent sends to one stack only: write the new stack's own file",
    "hostsByTag": "a machine's agent sends to one stack only: choose the new stack's own tag",
    "hostsByTagRemove": "it is for the machines of hostsByTag",
    "domain": "a domain points at one server",
    "route53Zone": "it is for the domain",
    "certificate": "it is for the domain",
    "publicCertificate": "it is for the domain",
    "restoreFrom": "the new stack starts empty",
    "accessKeyGeneration": "it starts at 1",
    "passwordGeneration": "it starts at 1",
    "certificateGeneration": "it starts at 1",
}
"""Settings that are not copied, and why."""

OF_A_REGION = ("amiId", "vpcId", "subnetId", "sshKeyName", "sshCidrs", "kmsKey")
"""What exists in only one region; sshCidrs needs the key pair."""

PRIVATE = "it needs a private subnet: the new stack gets a public address unless you set both"


@dataclass(frozen=True)
class Answers:
    """The answers about the new stack. agents: empty if agents send elsewhere."""

    region: str
    operators: tuple[str, ...]
    agents: tuple[str, ...]
    size: str


@dataclass(frozen=True)
class NewStack:
    """The new stack's file.

    text: to be written. file: the same with stand-ins for secrets, to be checked and priced. secrets: paths of those
    that have to be set again. left_out: settings of the other stack that are not copied, and why.
    """

    text: str
    file: StackFile
    secrets: tuple[str, ...]
    left_out: Mapping[str, str]


def wrong_name(name: str, like: StackFile, taken: list[str]) -> str:
    """Why the new stack cannot have this name; empty if it can."""
    if not stack_name.is_valid(name):
        return f"{stack_name.refusal(name)}, such as NAME=eu."
    if name.lower() in [each.lower() for each in taken]:
        return f"Pulumi.{name}.yaml already exists; choose another name, or edit that file."
    backups = like.given.get("backups")
    if not (isinstance(backups, dict) and str(backups.get("enabled")).lower() == "false"):
        return wrong_for_a_bucket(name) or ""
    return ""


def make(name: str, like: StackFile, text: str, answers: Answers) -> NewStack:
    """The new stack's file. text: the text of `like`'s file."""
    left_out = _left_out(like, answers.region)
    config = {key: copy.deepcopy(value) for key, value in like.config.items() if key not in left_out}
    tags = config.get("monitoring:tags")
    if isinstance(tags, dict):
        config["monitoring:tags"] = {key: name if value == like.name else value for key, value in tags.items()}
    config |= {REGION: answers.region, OPERATORS: list(answers.operators)}
    if answers.agents:
        config[AGENTS] = list(answers.agents)
    if SIZE in config or answers.size != Settings.model_fields["instance_type"].default:
        config[SIZE] = answers.size
    encrypted = tuple(place for place in like.encrypted if place[0] in config)
    file = StackFile(name, config, encrypted)
    return NewStack(_text(file, like, blocks(text)), file, tuple(map(path, encrypted)), left_out)


def _left_out(like: StackFile, region: str) -> dict[str, str]:
    elsewhere = like.config.get(REGION)
    local = dict.fromkeys(OF_A_REGION, f"it belongs to {elsewhere}") | {"publicAddress": PRIVATE}
    local = {} if region == elsewhere else local
    named = {f"monitoring:{key}": why for key, why in {**ALONE, **local}.items()}
    return {key: named[key] for key in like.config if key in named}


def _text(file: StackFile, like: StackFile, as_written: Mapping[str, str]) -> str:
    """The file's text, with unchanged settings as they were written."""
    secret = file.secret_keys
    own = (
        as_written[key]
        if key in as_written and key not in secret and like.config.get(key) == value
        else written(key, _without(value, (key,), file.encrypted))
        for key, value in file.config.items()
        if (key,) not in file.encrypted
    )
    header = (
        f"# The stack {file.name}, created from {like.name} by `make new-stack`. operatorCidrs may open Grafana,\n"
        "# agentCidrs may send data. README.md lists every setting.\n"
    )
    return f"{header}config:\n" + "\n".join(own) + "\n"


def _without(value: Any, place: tuple[str | int, ...], encrypted: tuple[tuple[str | int, ...], ...]) -> Any:
    """The value without its encrypted parts, which another stack's key cannot decrypt."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if (*place, key) not in encrypted}
        return {key: _without(inner, (*place, key), encrypted) for key, inner in kept.items()}
    return value
