"""The server's checked settings. Each field has the name that it has in the file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .configuration import Configuration
from .errors import ConfigurationError
from .oauth_settings import OAuth


@dataclass(frozen=True)
class Smtp:
    """The section [smtp]."""

    enabled: bool
    host: str
    user: str
    password: str
    from_address: str
    from_name: str
    start_tls: str

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> Smtp:
        """Read the section; raises ConfigurationError for an unknown policy."""
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
    """All settings that the server uses; defaults.ini in the package explains them."""

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

    @property
    def same_site_attribute(self) -> str | None:
        """The attribute SameSite of cookies; None if they should have none."""
        return None if self.cookie_samesite == "disabled" else self.cookie_samesite.title()

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> Settings:
        """Read all settings; raises ConfigurationError, which names the setting, for an invalid value."""
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
    """The words of a list with commas or spaces in between, as read by Grafana's util.SplitString."""
    return frozenset(re.split(r"[,\s]+", text.strip())) - {""}


def _role(configuration: Configuration, section: str, key: str) -> str:
    role = configuration.text(section, key, "Viewer")
    if role not in ("Viewer", "Editor", "Admin"):
        raise ConfigurationError(f"[{section}] {key} = {role!r}: write Viewer, Editor or Admin")
    return role
