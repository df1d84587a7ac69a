"""Grafana's configuration: defaults.ini, grafana.ini, command line and environment, in the real order.

https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigurationError
from .oauth_settings import OAuth

_OVERRIDE = re.compile(r"^cfg:(?:default\.)?(?P<section>.+)\.(?P<key>[^.=]+)=(?P<value>.*)$")
_FILE_PROVIDER = re.compile(r"\$__file\{([^}]*)\}")
_ENVIRONMENT_PROVIDER = re.compile(r"\$__env\{([^}]*)\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TRUE = {"1", "t", "T", "TRUE", "true", "True", "YES", "yes", "Yes", "y", "ON", "on", "On"}


def environment_name(section: str, key: str) -> str:
    """GF_SECTION_KEY for a setting: `[auth.anonymous] enabled` is GF_AUTH_ANONYMOUS_ENABLED."""
    return "GF_" + re.sub(r"[.\-]", "_", f"{section}_{key}").upper()


class Configuration:
    """Text values by section and key, expanded (`$__file{}`, `$__env{}`), with typed readers."""

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
        """Read `files` in order (later ones win), then environment, then `cfg:section.key=value` arguments.

        `cfg:default.section.key=value` only replaces a default: files and environment win over it.
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
            # Keys before the first section belong to Grafana's nameless section.
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
                raise ConfigurationError(f"cannot understand the argument {text!r}: write cfg:section.key=value")
            if not parser.has_section(match["section"]):
                parser.add_section(match["section"])
            parser.set(match["section"], match["key"], match["value"])

    def text(self, section: str, key: str, default: str = "") -> str:
        """The setting's value, or `default` when neither file nor environment sets it."""
        if self._parser.has_option(section, key):
            return self._expand(section, key, self._parser.get(section, key).strip())
        return self._environment.get(environment_name(section, key), default)

    def flag(self, section: str, key: str, default: bool = False) -> bool:
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


@dataclass(frozen=True)
class Smtp:
    """The section [smtp]; names follow the file's."""

    enabled: bool
    host: str
    user: str
    password: str
    from_address: str
    from_name: str
    start_tls: str

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> Smtp:
        """Check and convert; raises ConfigurationError for an unknown policy."""
        policy = configuration.text("smtp", "startTLS_policy")
        if policy not in ("", "OpportunisticStartTLS", "MandatoryStartTLS", "NoStartTLS"):
            raise ConfigurationError(f"[smtp] startTLS_policy = {policy!r}: not one of Grafana's")
        return cls(
            enabled=configuration.flag("smtp", "enabled"),
            host=configuration.text("smtp", "host", "localhost:25"),
            user=configuration.text("smtp", "user"),
            password=configuration.text("smtp", "password"),
            from_address=configuration.text("smtp", "from_address", "admin@grafana.localhost"),
            from_name=configuration.text("smtp", "from_name", "Grafana"),
            start_tls=policy,
        )


@dataclass(frozen=True)
class Settings:
    """What the server needs to know, checked.

    See defaults.ini in the package for each field's meaning; names follow the file's.
    """

    protocol: str
    http_addr: str
    http_port: int
    cert_file: str
    cert_key: str
    certs_watch_interval: float
    root_url: str
    data_path: Path
    logs_path: Path
    bundled_plugins: Path
    disabled_plugins: frozenset[str]
    preinstall: bool
    preinstall_auto_update: bool
    admin_user: str
    admin_password: str
    admin_email: str
    secret_key: str
    disable_initial_admin_creation: bool
    cookie_secure: bool
    cookie_samesite: str
    cookie_name: str
    strict_transport_security: int | None
    allow_embedding: bool
    disable_gravatar: bool
    external_snapshots: bool
    allow_sign_up: bool
    auto_assign_org_role: str
    disable_brute_force_protection: bool
    basic_auth: bool
    anonymous: bool
    anonymous_role: str
    aws_auth_providers: frozenset[str]
    aws_assume_role: bool
    smtp: Smtp
    oauth: OAuth
    disable_login_form: bool

    @property
    def database_file(self) -> Path:
        """The SQLite file, `grafana.db` in the data folder."""
        return self.data_path / "grafana.db"

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> Settings:
        """Check and convert; raises ConfigurationError naming the setting that is wrong."""
        protocol = configuration.text("server", "protocol", "http")
        if protocol not in ("http", "https"):
            raise ConfigurationError(
                f"[server] protocol = {protocol!r}: this stand-in serves http and https (not h2, socket)"
            )
        cert_file = configuration.text("server", "cert_file")
        cert_key = configuration.text("server", "cert_key")
        if protocol == "https":
            for name, value in (("cert_file", cert_file), ("cert_key", cert_key)):
                if not value:
                    raise ConfigurationError(f"{name} cannot be empty when using HTTPS")
                if not os.access(value, os.R_OK):
                    raise ConfigurationError(f"cannot open {name} at {value}")
        home = Path(configuration.text("paths", "home", "/usr/share/grafana"))
        port = configuration.number("server", "http_port", 3000)
        role = _role(configuration, "auth.anonymous", "org_role")
        samesite = configuration.text("security", "cookie_samesite", "lax").lower()
        if samesite not in ("lax", "strict", "none", "disabled"):
            samesite = "lax"  # as Grafana does, with a warning
        hsts = protocol == "https" and configuration.flag("security", "strict_transport_security")
        max_age = configuration.number("security", "strict_transport_security_max_age_seconds", 86400)
        providers = configuration.text("aws", "allowed_auth_providers", "default,keys,credentials")
        domain = configuration.text("server", "domain", "localhost") or "localhost"
        root_url = configuration.text("server", "root_url", "%(protocol)s://%(domain)s:%(http_port)s/")
        for name, value in (("protocol", protocol), ("domain", domain), ("http_port", str(port))):
            root_url = root_url.replace(f"%({name})s", value)
        return cls(
            protocol=protocol,
            http_addr=configuration.text("server", "http_addr"),
            http_port=port,
            cert_file=cert_file,
            cert_key=cert_key,
            certs_watch_interval=configuration.seconds("server", "certs_watch_interval", 0),
            root_url=root_url.rstrip("/") + "/",
            data_path=home / configuration.text("paths", "data", "data"),
            logs_path=home / configuration.text("paths", "logs", "data/log"),
            bundled_plugins=home / configuration.text("paths", "bundled_plugins", "data/plugins-bundled"),
            disabled_plugins=_words(configuration.text("plugins", "disable_plugins")),
            preinstall=not configuration.flag("plugins", "preinstall_disabled"),
            preinstall_auto_update=configuration.flag("plugins", "preinstall_auto_update", default=True),
            admin_user=configuration.text("security", "admin_user", "admin"),
            admin_password=configuration.text("security", "admin_password", "admin"),
            admin_email=configuration.text("security", "admin_email", "admin@localhost"),
            secret_key=configuration.text("security", "secret_key"),
            disable_initial_admin_creation=configuration.flag("security", "disable_initial_admin_creation"),
            cookie_secure=configuration.flag("security", "cookie_secure"),
            cookie_samesite=samesite,
            strict_transport_security=max_age if hsts else None,
            allow_embedding=configuration.flag("security", "allow_embedding"),
            disable_gravatar=configuration.flag("security", "disable_gravatar"),
            external_snapshots=configuration.flag("snapshots", "external_enabled", default=True),
            allow_sign_up=configuration.flag("users", "allow_sign_up"),
            auto_assign_org_role=_role(configuration, "users", "auto_assign_org_role"),
            cookie_name=configuration.text("auth", "login_cookie_name", "grafana_session"),
            disable_brute_force_protection=configuration.flag("security", "disable_brute_force_login_protection"),
            basic_auth=configuration.flag("auth.basic", "enabled", default=True),
            anonymous=configuration.flag("auth.anonymous", "enabled"),
            anonymous_role=role,
            aws_auth_providers=_words(providers),
            aws_assume_role=configuration.flag("aws", "assume_role_enabled", default=True),
            smtp=Smtp.from_configuration(configuration),
            oauth=OAuth.from_configuration(configuration),
            disable_login_form=configuration.flag("auth", "disable_login_form"),
        )


def _words(text: str) -> frozenset[str]:
    """Words with commas or blanks between them, as Grafana's util.SplitString reads them."""
    return frozenset(re.split(r"[,\s]+", text.strip())) - {""}


def _role(configuration: Configuration, section: str, key: str) -> str:
    role = configuration.text(section, key, "Viewer")
    if role not in ("Viewer", "Editor", "Admin"):
        raise ConfigurationError(f"[{section}] {key} = {role!r}: write Viewer, Editor or Admin")
    return role
