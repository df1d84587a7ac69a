"""A stack's file, read without Pulumi or the key to its secrets, and checked by the program's own settings.

Like Pulumi, this passes every value as a string, and lists and objects as JSON (settings/values.py).
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
"""Stands in for an encrypted value."""

Place = tuple[str | int, ...]


class StackFileError(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class StackFile:
    """The content of a stack's file.

    config: its settings, with STAND_IN for encrypted values. encrypted: where those are. rest: what is next to
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
        """The settings by name, unchecked: they include those that `settings` has to leave out."""
        return decoded(self.raw)[0]

    def settings(self) -> tuple[Settings, set[str]]:
        """The checked settings, and the names of those that cannot be checked because they are encrypted.

        Raises SettingsError with every mistake, except those that may only be due to an encrypted value.
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
        """Whether there is an encrypted value at this place, inside it or around it."""
        paths = (path(place) for place in self.encrypted)
        return any(_within(key, each) or _within(each, key) for each in paths)


def path(place: Place) -> str:
    """A place in the syntax of `pulumi config set --path`."""
    return places.path(place)


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def read(file: Path, name: str) -> StackFile:
    """The stack's file. Raises StackFileError when it does not exist or is not a stack's file."""
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
    """The error when the project's folder does not exist."""
    return f"There is no folder {folder}: PROJECT is the one with Pulumi.yaml."


def parse(text: str, name: str, shown: str) -> StackFile:
    """The stack's file from its text. shown: the file's name in messages, which do not repeat its content."""
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
    """Whether this is how Pulumi writes an encrypted value."""
    return isinstance(value, dict) and list(value) == ["secure"]


def _opened(value: Any, place: Place, encrypted: list[Place]) -> Any:
    """The value with STAND_IN for encrypted ones, whose places are added to the list."""
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
