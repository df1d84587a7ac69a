"""Grafana's section [auth.generic_oauth]."""

from __future__ import annotations

from dataclasses import dataclass

from .configuration import Configuration


@dataclass(frozen=True)
class OAuth:
    """The section's settings. Each field has the name that it has in the file."""

    enabled: bool
    name: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    auth_url: str
    token_url: str
    api_url: str
    use_pkce: bool
    allow_sign_up: bool
    allowed_domains: tuple[str, ...]
    role_attribute_path: str
    skip_org_role_sync: bool
    tls_client_ca: str

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> OAuth:
        """Read the section, with the package's defaults."""
        section = "auth.generic_oauth"

        def words(key: str) -> tuple[str, ...]:
            return tuple(configuration.text(section, key).replace(",", " ").split())

        def text(key: str) -> str:
            return configuration.text(section, key)

        return cls(
            enabled=configuration.flag(section, "enabled"),
            name=text("name"),
            client_id=text("client_id"),
            client_secret=text("client_secret"),
            scopes=words("scopes"),
            auth_url=text("auth_url"),
            token_url=text("token_url"),
            api_url=text("api_url"),
            use_pkce=configuration.flag(section, "use_pkce"),
            allow_sign_up=configuration.flag(section, "allow_sign_up", default=True),
            allowed_domains=words("allowed_domains"),
            role_attribute_path=text("role_attribute_path"),
            skip_org_role_sync=configuration.flag(section, "skip_org_role_sync"),
            tls_client_ca=text("tls_client_ca"),
        )
