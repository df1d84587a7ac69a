"""The setting `oauth`: what is accepted, and that each mistake is reported with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from tests.support.configuration import REQUIRED, mistakes, raw

HERE: dict[str, Any] = {
    "clientId": "grafana",
    "clientSecret": "secret-word",
    "authUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "apiUrl": "https://login.example.com/userinfo",
}
DOMAIN = "monitoring.example.org"


def given(change: dict[str, Any], **more: Any) -> dict[str, str]:
    return raw(**{"oauth": HERE | change, "domain": DOMAIN} | more)


def wrong(change: dict[str, Any], **more: Any) -> list[str]:
    return mistakes(given(change, **more), ("monitoring:oauth",))


def test_off_by_default() -> None:
    assert load(REQUIRED).oauth is None


def test_the_client_and_three_endpoints_are_enough() -> None:
    oauth = load(given({}), ("monitoring:oauth",)).oauth
    assert oauth is not None
    assert (oauth.name, oauth.scopes, oauth.role_attribute_path) == ("OAuth", ("openid", "email", "profile"), None)
    assert (oauth.allowed_domains, oauth.login_form) == ((), True)
    assert oauth.client_secret.get_secret_value() == "secret-word"


@pytest.mark.parametrize(
    "path",
    [
        "contains(groups[*], 'ops') && 'Admin' || 'Viewer'",
        "role",
        "[login=='a'][0] && 'Admin'",
        "resource_access.grafana.roles[0]",
        "contains(lower(join(',', groups)), 'ops') && 'Admin' || trim(role)",
        "not_null(a, b, c) || to_string(length(sort_by(a, &b)[::2]))",
    ],
)
def test_valid_expressions_are_accepted(path: str) -> None:
    oauth = load(given({"roleAttributePath": path}), ("monitoring:oauth",)).oauth
    assert oauth is not None
    assert oauth.role_attribute_path == path


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"name": "a\nb"}, "name", "is not a usable name", "letters"),
    ({"clientId": "a b"}, "clientId", "is not a usable client ID", "provider gave you"),
    ({"authUrl": "http://login.example.com/a"}, "authUrl", "is not encrypted", "https://"),
    ({"tokenUrl": "https://login.example.com:8443/a"}, "tokenUrl", "has a port that the server may not reach", "443"),
    ({"apiUrl": "https://login.example.com/a?b=c"}, "apiUrl", "is not a URL", "https://"),
    ({"apiUrl": "https://localhost/a"}, "apiUrl", "is loopback", "reach"),
    ({"scopes": []}, "scopes", "is empty", "at least one"),
    ({"scopes": "openid email"}, "scopes", "is a string, not a list", "list"),
    ({"scopes": ["openid email"]}, "scopes", "is not a scope", "groups"),
    ({"roleAttributePath": "contains(groups"}, "roleAttributePath", "is not a JMESPath expression", "'Viewer'"),
    ({"roleAttributePath": "a || `x`"}, "roleAttributePath", "has characters", "single quotes"),
    ({"roleAttributePath": 'a == "b"'}, "roleAttributePath", "has characters", "single quotes"),
    ({"roleAttributePath": "'Admin'"}, "roleAttributePath", "has characters", "single quotes"),
    ({"roleAttributePath": "(" * 512}, "roleAttributePath", "is nested too deep", "fewer parentheses"),
    ({"roleAttributePath": "a.b || " * 80 + "c"}, "roleAttributePath", "is longer than 512", "shorter"),
    ({"allowedDomains": ["@example.com"]}, "allowedDomains", "is not a domain name", "lowercase"),
    ({"roleAttributePath": "contain(groups, 'a')"}, "roleAttributePath", "calls contain, which JMESPath", "contains"),
    (
        {"roleAttributePath": "a && contains(groups)"},
        "roleAttributePath",
        "with 1 arguments instead of 2",
        "jmespath.org",
    ),
    ({"roleAttributePath": "length(a, b)"}, "roleAttributePath", "with 2 arguments instead of 1", "jmespath.org"),
    ({"roleAttributePath": "groups[::0]"}, "roleAttributePath", "a slice with the step 0", "another"),
    ({"name": "n" * 65}, "name", "is not a usable name", "up to 64"),
    ({"scopes": ["x" * 100 + str(n) for n in range(5)]}, "scopes", "has 505 characters", "at most 500"),
    (
        {"allowedDomains": [f"{n}{'x' * 40}.example.com" for n in range(20)]},
        "allowedDomains",
        "characters",
        "at most 1000",
    ),
    ({"loginForm": "no"}, "loginForm", "is not true or false", "false"),
]


@pytest.mark.parametrize(("change", "key", "what", "instead"), WRONG)
def test_a_mistake_names_the_key_and_the_remedy(change: dict[str, Any], key: str, what: str, instead: str) -> None:
    (line,) = wrong(change)
    assert line.startswith(f"monitoring:oauth.{key}")
    assert what in line
    assert instead in line
    assert "secret-word" not in line


def test_a_secret_in_plain_text_is_a_mistake() -> None:
    (line,) = mistakes(given({}))
    assert line.startswith("monitoring:oauth.clientSecret = (secret): is not encrypted")


def test_oauth_requires_a_domain() -> None:
    (line,) = mistakes(raw(oauth=HERE), ("monitoring:oauth",))
    assert line.startswith("monitoring:domain: is required with oauth")


@pytest.mark.parametrize("key", ["tokenUrl", "apiUrl"])
def test_the_provider_cannot_have_the_server_s_own_domain(key: str) -> None:
    (line,) = wrong({key: f"https://{DOMAIN}/x"})
    assert line.startswith("monitoring:domain = ")
    assert f"is the host in oauth.{key}, which the server must reach" in line
