"""Grafana's configuration: defaults.ini, grafana.ini, environment and command line, in the real order of precedence.

https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import ConfigurationError

_OVERRIDE = re.compile(r"^cfg:(?:default\.)?(?P<section>.+)\.(?P<key>[^.=]+)=(?P<value>.*)$")
_FILE_PROVIDER = re.compile(r"\$__file\{([^}]*)\}")
_ENVIRONMENT_PROVIDER = re.compile(r"\$__env\{([^}]*)\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TRUE = {"1", "t", "T", "TRUE", "true", "True", "YES", "yes", "Yes", "y", "ON", "on", "On"}


def environment_name(section: str, key: str) -> str:
    """GF_SECTION_KEY for a setting: `[auth.anonymous] enabled` is GF_AUTH_ANONYMOUS_ENABLED."""
    return "GF_" + re.sub(r"[.\-]", "_", f"{section}_{key}").upper()


class Configuration:
    """Values by section and key, with `$__file{}` and `$__env{}` expanded, and typed readers."""

    def __init__(self, parser: configparser.RawConfigParser, environment: Mapping[str, str]) -> None:
        self._parser = parser
        self._environment = environment

    @classmethod
    def read(
        cls,
        files: Sequence[Path],
        overrides: Sequence[str] = (),
        environment: Mapping[str, str] = os.environ,
    ) -> Configuration:
        """Read `files` in order (later ones win), then the environment, then `cfg:section.key=value` arguments.

        `cfg:default.section.key=value` only replaces a default: files and the environment take precedence over it.
        """
        parser = configparser.RawConfigParser(
            default_section="__none__", interpolation=None, comment_prefixes=("#", ";"), strict=False
        )
        for number, file in enumerate(files):
            cls._read_file(parser, file)
            if number == 0:
                cls._override(parser, [text for text in overrides if text.startswith("cfg:default.")])
        for section in parser.sections():
            for key in parser.options(section):
                value = environment.get(environment_name(section, key))
                if value is not None:
                    parser.set(section, key, value)
        cls._override(parser, [text for text in overrides if not text.startswith("cfg:default.")])
        return cls(parser, environment)

    @staticmethod
    def _read_file(parser: configparser.RawConfigParser, file: Path) -> None:
        try:
            # Keys before the first section belong to Grafana's unnamed section.
            parser.read_string("[DEFAULT]\n" + file.read_text(encoding="utf-8"), source=str(file))
        except OSError as error:
            raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
        except configparser.Error as error:
            raise ConfigurationError(f"{file} is not a valid ini file: {str(error).splitlines()[0]}") from None

    @staticmethod
    def _override(parser: configparser.RawConfigParser, overrides: Sequence[str]) -> None:
        for text in overrides:
            match = _OVERRIDE.match(text)
            if match is None:
                raise ConfigurationError(f"invalid argument {text!r}: write cfg:section.key=value")
            if not parser.has_section(match["section"]):
                parser.add_section(match["section"])
            parser.set(match["section"], match["key"], match["value"])

    def text(self, section: str, key: str, default: str = "") -> str:
        """The setting's value, or `default` if neither a file nor the environment sets it."""
        if self._parser.has_option(section, key):
            return self._expand(section, key, self._parser.get(section, key).strip())
        return self._environment.get(environment_name(section, key), default)

    def flag(self, section: str, key: str, *, default: bool = False) -> bool:
        """A boolean setting."""
        value = self.text(section, key, "true" if default else "false")
        return value in _TRUE

    def number(self, section: str, key: str, default: int) -> int:
        """An integer setting."""
        value = self.text(section, key) or str(default)
        try:
            return int(value)
        except ValueError:
            raise ConfigurationError(f"[{section}] {key} = {value!r} is not an integer") from None

    def seconds(self, section: str, key: str, default: float) -> float:
        """A duration in Go's notation (`10s`, `1m30s`), in seconds."""
        value = self.text(section, key)
        if not value:
            return default
        if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+|0", value):
            raise ConfigurationError(f"[{section}] {key} = {value!r} is not a duration such as 10s")
        units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
        return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|[smh])", value))

    def _expand(self, section: str, key: str, value: str) -> str:
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'`":
            value = value[1:-1]
        if len(value) >= 6 and value.startswith('"""') and value.endswith('"""'):
            value = value[3:-3]

        def from_file(match: re.Match[str]) -> str:
            try:
                return Path(match[1]).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigurationError(f"[{section}] {key}: cannot read {match[1]}: {error.strerror}") from None

        value = _ENVIRONMENT_PROVIDER.sub(lambda m: self._environment.get(m[1] or m[2], ""), value)
        return _FILE_PROVIDER.sub(from_file, value)
