"""A stack's file, read without Pulumi and without the key to its secrets, and checked by the program's own settings.

Pulumi passes every value as a string, lists and objects as JSON (settings/values.py); so does this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings import Settings, SettingsError, core_yaml, load, places
from settings.core_yaml import BrokenYamlError
from settings.given import decoded
from tools import stack_name

STAND_IN = "encrypted"
"""In the place of an encrypted value."""

Place = tuple[str | int, ...]


class StackFileError(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class StackFile:
    """What a stack's file says.

    config: its settings, with STAND_IN for what is encrypted. encrypted: where that is. rest: what stands next to
    `config:`, such as the salt or the secrets provider.
    """

    name: str
    config: Mapping[str, Any]
    encrypted: tuple[Place, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> dict[str, str]:
        """The configuration as Pulumi would pass it."""
        return {key: _handed_over(value) for key, value in self.config.items()}

    @property
    def secret_keys(self) -> set[str]:
        """The keys that Pulumi keeps encrypted, whole or in part."""
        return {str(place[0]) for place in self.encrypted}

    @property
    def given(self) -> dict[str, Any]:
        """The settings by name, as they are given: for what `settings` has to leave out."""
        return decoded(self.raw)[0]

    def settings(self) -> tuple[Settings, set[str]]:
        """The checked settings, and the names of those that could not be read for what is encrypted in them.

        Raises SettingsError with every mistake, except what may only look like one because it is encrypted.
        """
        try:
            return load(self.raw, self.secret_keys, f"Pulumi.{self.name}.yaml"), set()
        except SettingsError as error:
            hidden = [mistake for mistake in error.mistakes if self._hides(mistake.key)]
            seen = [mistake for mistake in error.mistakes if mistake not in hidden]
        if seen:
            raise SettingsError(seen, f"Pulumi.{self.name}.yaml")
        unread = {re.split(r"[.\[]", mistake.key.removeprefix(f"{places.NAMESPACE}:"))[0] for mistake in hidden}
        return Settings.model_validate({k: v for k, v in self.given.items() if k not in unread}), unread

    def _hides(self, key: str) -> bool:
        """Whether an encrypted value lies at this place, in it or around it."""
        paths = (path(place) for place in self.encrypted)
        return any(_within(key, each) or _within(each, key) for each in paths)


def path(place: Place) -> str:
    """A place as `pulumi config set --path` takes it."""
    return places.path(place)


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def read(file: Path, name: str) -> StackFile:
    """The stack's file. Raises StackFileError where there is none, or none that is one."""
    if not stack_name.is_valid(name):
        raise StackFileError(f"{stack_name.refusal(name)}.")
    if not file.parent.is_dir():
        raise StackFileError(no_folder(file.parent))
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = ", ".join(stacks(file.parent)) or "none"
        raise StackFileError(f"There is no {file.name}; stacks with a file here: {there}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{file} cannot be read: {error}") from None
    return parse(text, name, file.name)


def no_folder(folder: Path) -> str:
    """What is wrong when the project's folder is not there."""
    return f"There is no folder {folder}: PROJECT is the one with Pulumi.yaml."


def parse(text: str, name: str, shown: str) -> StackFile:
    """The stack's file from its text. shown: what the file is called in messages, which repeat nothing of it."""
    try:
        content = core_yaml.load(text)
    except BrokenYamlError as error:
        raise StackFileError(f"{shown} {error.wrong}; {error.instead or 'compare it with Pulumi.dev.yaml'}") from None
    content = {} if content is None else content
    config = content.get("config") or {} if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise StackFileError(f"{shown} has no settings below `config:`; compare it with Pulumi.dev.yaml")
    rest = {str(key): value for key, value in content.items() if key != "config"}
    encrypted: list[Place] = []
    opened = {str(key): _opened(value, (str(key),), encrypted) for key, value in config.items()}
    return StackFile(name, opened, tuple(encrypted), rest)


def stacks(folder: Path) -> list[str]:
    """The stacks that have a file in the folder."""
    return sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in folder.glob("Pulumi.?*.yaml"))


def is_encrypted(value: Any) -> bool:
    """Whether Pulumi wrote this in an encrypted value's place."""
    return isinstance(value, dict) and list(value) == ["secure"]


def _opened(value: Any, place: Place, encrypted: list[Place]) -> Any:
    """The value with STAND_IN for what is encrypted, whose places are added to the list."""
    if is_encrypted(value):
        encrypted.append(place)
        return STAND_IN
    if isinstance(value, dict):
        return {str(key): _opened(inner, (*place, str(key)), encrypted) for key, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner, (*place, number), encrypted) for number, inner in enumerate(value)]
    return value


def _handed_over(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return "" if value is None else str(value)
