"""The stack's configuration: read once, checked completely, then typed and immutable.

`from_pulumi()` is for the program; `load()` is the pure function behind it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args, get_origin

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from settings import metrics, places
from settings.alerting import AlertThresholds, ContactPoints
from settings.hosts import Host
from settings.inputs import Inputs
from settings.mail import Smtp
from settings.metrics import CustomMetric
from settings.mistakes import SECRET, Mistake, SettingsError, WrongValueError, shown
from settings.model import ExternalInfluxdb, OwnCertificate, Repository, Settings
from settings.places import NAMESPACE

__all__ = [
    "AlertThresholds",
    "ContactPoints",
    "CustomMetric",
    "ExternalInfluxdb",
    "Host",
    "Inputs",
    "Mistake",
    "OwnCertificate",
    "Repository",
    "Settings",
    "SettingsError",
    "Smtp",
    "WrongValueError",
    "from_pulumi",
    "load",
]


def _is_container(field: FieldInfo) -> bool:
    return places.part(field) is not None or get_origin(field.annotation) in (tuple, dict)


def _optional(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)


def _given(raw: Mapping[str, str]) -> dict[str, Any]:
    """The namespace's values by name, lists and objects decoded; what Pulumi.yaml gives as "unset" is left
    out."""
    fields = places.fields(Settings)
    given: dict[str, Any] = {}
    for key, value in raw.items():
        namespace, _, name = key.partition(":")
        if namespace != NAMESPACE and key != "aws:region":
            continue
        name = key if key == "aws:region" else name
        field = fields.get(name)
        if field and _optional(field) and value in ("", "{}"):
            continue
        if field and (_is_container(field) or value[:1] in ("[", "{")):
            try:
                given[name] = json.loads(value)
            except json.JSONDecodeError:
                given[name] = value
        else:
            given[name] = value
    return given


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    close = close or [k for k in known if k.lower().replace("_", "") == name.lower().replace("_", "").replace("-", "")]
    return f"did you mean {close[0]}?" if close else f"the known keys are {', '.join(sorted(known))}"


def _holds_secret(location: tuple[Any, ...], secret_keys: Collection[str]) -> bool:
    """Whether a value must not be shown: marked as a secret in the stack, or a secret by its nature.

    Pulumi marks a whole list as soon as it holds one secret; there, only the nature counts.
    """
    if not location:
        return False
    _, whole = places.walk(location[:1])
    listed = whole is not None and get_origin(whole.annotation) is tuple and places.part(whole) is not None
    if places.key(str(location[0])) in secret_keys and not listed:
        return True
    model, field = places.walk(location)
    if field is None:
        return model is not Settings and places.has_secrets(model)
    return places.is_secret(field) or places.has_secrets(places.part(field))


def _mistake(error: Any, secret_keys: Collection[str]) -> Mistake:
    """One of pydantic's errors, told in this program's words."""
    location = tuple(error["loc"])
    key = places.path(location)
    # A private key is also recognised where it was put by mistake.
    secret = _holds_secret(location, secret_keys) or "PRIVATE KEY" in str(error["input"])
    value = SECRET if secret else shown(error["input"])
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, WrongValueError):
        wrong = "is wrong" if value == SECRET and cause.wrong.startswith('"') else cause.wrong
        return Mistake(key, value, wrong, cause.instead)
    if error["type"] == "missing":
        if key == "aws:region":
            return Mistake(key, "", "is missing", "write the region, such as eu-central-1")
        return Mistake(key, "", "is missing", "write it too")
    if error["type"] == "extra_forbidden":
        model, _ = places.walk(location)
        return Mistake(
            key, value, "is not a setting", _did_you_mean(str(location[-1]), places.fields(model or Settings))
        )
    if error["type"] in ("model_type", "model_attributes_type"):
        return Mistake(key, value, "is not an object", "write one `name: value` a line")
    return Mistake(key, value, str(error["msg"]), "see its description in Pulumi.yaml")


def _unprotected(given: Mapping[str, Any], secret_keys: Collection[str]) -> Iterator[Mistake]:
    """Secrets that stand in the stack's file as plain text."""
    for name, field in places.fields(Settings).items():
        if places.key(name) in secret_keys:
            continue
        for location in places.secret_places(places.part(field), given.get(name), (name,)):
            key = places.path(location)
            command = f"pulumi config set --secret --path '{key}'"
            yield Mistake(key, SECRET, "is not encrypted", f"take it out of the file and run {command}")


def _twice(given: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hosts whose name another one has: to InfluxDB and to Pulumi they would be one; and those at one address, on
    which two agents would take each other's place. And metrics listed twice."""
    for number, wrong, instead in metrics.repeated(given.get("customMetrics")):
        yield Mistake(places.path(("customMetrics", number)), "", wrong, instead)
    hosts = given.get("hosts")
    seen: set[str] = set()
    there: set[tuple[str, str]] = set()
    for number, host in enumerate(hosts if isinstance(hosts, list) else []):
        name = host.get("name") if isinstance(host, dict) else None
        address = host.get("address") if isinstance(host, dict) else None
        # What is left alone is on no machine.
        if isinstance(address, str) and str(host.get("unreachable")).lower() != "true":
            place = (address.lower(), str(host.get("port", 22)))
            if place in there:
                key = places.path(("hosts", number, "address"))
                yield Mistake(
                    key, shown(address), "is the address of an earlier host, too", "write its own, or its port"
                )
            there.add(place)
        if isinstance(name, str) and name.lower() in seen:
            key = places.path(("hosts", number, "name"))
            yield Mistake(key, shown(name), "is the name of an earlier host, too", "give each host its own")
        seen.add(str(name).lower())


def load(raw: Mapping[str, str], secret_keys: Collection[str] = (), file: str = "Pulumi.STACK.yaml") -> Settings:
    """The settings in `raw`: configuration keys with their namespace, and their values as Pulumi hands them
    over.

    secret_keys: the keys whose values Pulumi keeps encrypted. file: where the user finds them, for the
    message. Raises SettingsError with every mistake there is.
    """
    given = _given(raw)
    mistakes = [*_unprotected(given, secret_keys), *_twice(given)]
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        mistakes += [_mistake(one, secret_keys) for one in error.errors()]
        # Contradictions among the values that are right are told in the same go.
        wrong = {str(one["loc"][0]) for one in error.errors()}
        right = {name: value for name, value in given.items() if name not in wrong}
        settings = Settings.model_validate({"aws:region": "us-east-1", **right})
    else:
        wrong = set()
    # A key that is wrong in itself is not contradicted, nor is one that only seems absent because of it.
    absent_by_mistake = {"sshKeyName": "sshCidrs", "sshCidrs": "sshKeyName", "domain": "certificate"}
    mistakes += [
        Mistake(places.key(name), shown(given[name]) if name in given else "", what, instead)
        for name, what, instead in settings.contradictions()
        if name not in wrong
        and absent_by_mistake.get(name) not in wrong
        and not (name == "agentCidrs" and "influxdb" in wrong)
    ]
    if mistakes:
        order = list(places.fields(Settings))
        mistakes.sort(key=lambda m: (order.index(n) if (n := _name(m.key)) in order else len(order), m.key))
        raise SettingsError(mistakes, file)
    return settings


def _name(key: str) -> str:
    return key if key == "aws:region" else re.split(r"[.\[]", key.removeprefix(f"{NAMESPACE}:"))[0]


def from_pulumi() -> Settings:
    """The settings of the stack that is being run. Mistakes end the program with one clear error.

    Pulumi's own Config can look up keys but not list them, and a key that nobody looks up is a mistake too.
    So the whole configuration is read from where Config itself reads it.
    """
    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    secret_keys = {*pulumi_config.get_config_secret_keys_env(), *pulumi_config._SECRET_KEYS.get()}
    try:
        return load(raw, secret_keys, f"Pulumi.{pulumi.get_stack()}.yaml")
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
