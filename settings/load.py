"""Reads and checks the stack's configuration, and finds all mistakes at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import ValidationError

from settings import accounts, hosts_file, metrics, places
from settings.contradictions import contradictions
from settings.given import decoded
from settings.hosts import Host, repeated
from settings.hosts_file import Listed
from settings.mistakes import SECRET, Mistake, SettingsError, WrongValueError
from settings.model import Settings
from settings.places import NAMESPACE
from settings.shown import Shown
from settings.stack_name import wrong_for_a_bucket

FOLLOWS = {
    "sshKeyName": frozenset({"sshCidrs"}),
    "sshCidrs": frozenset({"sshKeyName"}),
    "domain": frozenset({"certificate", "oauth", "publicCertificate", "route53Zone"}),
    "route53Zone": frozenset({"domain", "publicCertificate"}),
    "publicCertificate": frozenset({"certificate"}),
    "cloudwatchAccounts": frozenset({"aws:region"}),
    "cloudwatchRegion": frozenset({"aws:region"}),
    "customMetrics": frozenset({"aws:region"}),
    "permissionsBoundary": frozenset({"aws:region"}),
    "kmsKey": frozenset({"aws:region"}),
    "agentCidrs": frozenset({"influxdb"}),
    "smtp": frozenset({"contactPoints"}),
    "restoreFrom": frozenset({"backups"}),
    "rollupRetention": frozenset({"retention"}),
    "collectionInterval": frozenset({"retention", "influxdb"}),
    "alertThresholds": frozenset({"retention", "influxdb", "collectionInterval", "backups", "certificate"}),
}
"""Setting → others. If one of those is wrong it counts as absent, and the setting may only seem to contradict it."""


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    close = close or [k for k in known if k.lower().replace("_", "") == name.lower().replace("_", "").replace("-", "")]
    return f"did you mean {close[0]}?" if close else f"the known keys are {', '.join(sorted(known))}"


def _mistake(error: Any, shown: Shown) -> Mistake:
    """One of pydantic's errors in this program's words: pydantic's messages, and other libraries', repeat values."""
    location = tuple(error["loc"])
    key = places.path(location)
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, WrongValueError):
        return shown.mistake(location, error["input"], cause)
    value = shown.value(location, error["input"])
    if error["type"] == "missing":
        if key == "aws:region":
            return Mistake(key, "", "is missing", "write the region, such as eu-central-1")
        return Mistake(key, "", "is missing", "add it")
    if error["type"] == "extra_forbidden":
        model, _ = places.walk(location)
        meant = _did_you_mean(str(location[-1]), places.fields(model or Settings))
        return Mistake(places.path(shown.names(location)), "", "is not a setting", meant)
    if error["type"] in ("model_type", "model_attributes_type"):
        return Mistake(key, value, "is not an object", "write one `name: value` per line")
    return Mistake(key, value, "cannot be used", "see its description in Pulumi.yaml")


def _unprotected(given: Mapping[str, Any], secret_keys: Collection[str]) -> Iterator[Mistake]:
    """Secrets that are in the stack's file as plain text."""
    for name, field in places.fields(Settings).items():
        if places.key(name) in secret_keys:
            continue
        for location in places.secret_places(places.part(field), given.get(name), (name,)):
            key = places.path(location)
            command = f"pulumi config set --secret --path '{key}'"
            yield Mistake(key, SECRET, "is not encrypted", f"take it out of the file and run {command}")


def _twice(given: Mapping[str, Any], shown: Shown) -> Iterator[Mistake]:
    """Repeated names of hosts, which to InfluxDB and Pulumi would be one host; repeated addresses, where two agents
    would replace each other; repeated names of accounts; repeated metrics."""
    for number, wrong, instead in metrics.repeated(given.get("customMetrics")):
        yield Mistake(places.path(("customMetrics", number)), "", wrong, instead)
    for key, found in (("hosts", repeated), ("cloudwatchAccounts", accounts.repeated)):
        for number, field, why in found(given.get(key)):
            yield shown.mistake((key, number, field), given[key][number][field], why)


def _of_file(given: dict[str, Any], own: int, shown: Shown) -> tuple[list[Listed], list[Mistake]]:
    """The hosts of `hostsFile`, which are appended to the `own` ones in `given`, and the mistakes of the file as a
    whole. What is wrong with the two settings is reported elsewhere."""
    described = given.get("hostsFile")
    if not isinstance(described, dict):
        return [], []
    try:
        file = hosts_file.HostsFile.model_validate({"path": described.get("path")}).path
    except ValidationError:
        return [], []
    try:
        listed = hosts_file.read(file)
    except WrongValueError as wrong:
        return [], [shown.mistake(("hostsFile", "path"), file, wrong)]
    if not isinstance(given.get("hosts", []), list):
        return [], []
    mistakes = [
        Mistake(
            places.path(("hosts", own + number, *location)),
            SECRET,
            "is a secret, which does not belong in a file of hosts",
            "write this host into the setting hosts"
            if location != ("privateKey",)
            else "take it out of the file and run pulumi config set --secret --path 'monitoring:hostsFile.privateKey'",
        )
        for number, entry in enumerate(listed)
        for location in places.secret_places(Host, entry.host, ())
    ]
    given["hosts"] = [*given.get("hosts", []), *(entry.host for entry in listed)]
    return listed, mistakes


def _in_file(mistake: Mistake, file: str, own: int, listed: list[Listed]) -> Mistake:
    """A mistake in a host, whose key becomes file and line if a file lists that host."""

    def place(found: re.Match[str]) -> str:
        number = int(found[1]) - own
        return f"{file}, line {listed[number].line}: " if 0 <= number < len(listed) else found[0]

    def renamed(text: str) -> str:
        return re.sub(rf"(?:{NAMESPACE}:)?hosts\[([0-9]+)\]\.?", place, text)

    return replace(mistake, key=renamed(mistake.key).removesuffix(": "), wrong=renamed(mistake.wrong))


def _checked(given: Mapping[str, Any], shown: Shown, mistakes: list[Mistake]) -> tuple[Settings, set[str]]:
    """The settings, and the names of those that are wrong, whose mistakes are added to `mistakes`.

    If some are wrong, the others are still returned, so that contradictions are reported at the same time.
    """
    try:
        return Settings.model_validate(given), set()
    except ValidationError as error:
        errors = error.errors(include_url=False)
    mistakes += [_mistake(one, shown) for one in errors]
    wrong = {str(one["loc"][0]) for one in errors}
    right = {name: value for name, value in given.items() if name not in wrong}
    return Settings.model_validate({"aws:region": "us-east-1", **right}), wrong


def load(raw: Mapping[str, str], secret_keys: Collection[str] = (), file: str = "Pulumi.STACK.yaml") -> Settings:
    """The settings in `raw`: configuration keys with their namespace, and their values as Pulumi passes them.

    secret_keys: the keys whose values Pulumi keeps encrypted. file: where the user finds them, for the
    message. Raises SettingsError with all mistakes.
    """
    given, mistakes = decoded(raw)
    undecoded = {_name(mistake.key) for mistake in mistakes}
    shown = Shown(secret_keys)
    mistakes += _unprotected(given, secret_keys)
    own = len(given["hosts"]) if isinstance(given.get("hosts"), list) else 0
    listed, of_file = _of_file(given, own, shown)
    mistakes += [*of_file, *_twice(given, shown)]
    settings, wrong = _checked(given, shown, mistakes)
    # Contradictions of a key that is itself wrong, or of FOLLOWS, are not reported.
    wrong |= undecoded
    mistakes += [
        Mistake(places.key(name), shown.value((name,), given[name]) if name in given else "", what, instead)
        for name, what, instead in contradictions(settings)
        if (setting := _name(name)) not in wrong and not wrong & FOLLOWS.get(setting, frozenset())
    ]
    if mistakes:
        order = list(places.fields(Settings))
        mistakes.sort(key=lambda m: (order.index(n) if (n := _name(m.key)) in order else len(order), m.key))
        if listed:
            mistakes = [_in_file(mistake, given["hostsFile"]["path"], own, listed) for mistake in mistakes]
        raise SettingsError(mistakes, file)
    if settings.hosts_file and (key := settings.hosts_file.private_key):
        hosts = settings.hosts
        keyed = [host.model_copy(update={"private_key": host.private_key or key}) for host in hosts[own:]]
        settings = settings.model_copy(update={"hosts": (*hosts[:own], *keyed)})
    return settings


def _name(key: str) -> str:
    return key if key == "aws:region" else re.split(r"[.\[]", key.removeprefix(f"{NAMESPACE}:"))[0]


def configuration() -> tuple[dict[str, str], set[str]]:
    """The whole configuration of the current stack, and which of its keys are encrypted.

    Pulumi's own Config can look up keys but not list them, and a key that nobody looks up is a mistake too.
    So it is read from the same place as Config reads it.
    """
    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    return raw, {*pulumi_config.get_config_secret_keys_env(), *pulumi_config._SECRET_KEYS.get()}


def from_pulumi() -> Settings:
    """The settings of the current stack. Mistakes end the program with one clear error."""
    stack = pulumi.get_stack()
    try:
        settings = load(*configuration(), f"Pulumi.{stack}.yaml")
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    if settings.backups.enabled and (wrong := wrong_for_a_bucket(stack)):
        raise pulumi.RunError(wrong)
    return settings
