"""Single sign-on: the identity provider that people log in to Grafana with."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr

from settings import values as v
from settings.addresses import https_address
from settings.mistakes import WrongValueError
from settings.part import Part, each

LONGEST_PATH = 512
"""Characters of a role path: grafana.ini is a parameter of at most 4,096 bytes in the free tier."""


def _endpoint(value: Any) -> str:
    """An address of the provider's, on the usual port, which is the only one that the server may reach."""
    address = https_address(value)
    if urlsplit(address).port:
        raise WrongValueError("has a port that the server may not reach", "use the address without a port (443)")
    return address


def _scope(value: Any) -> str:
    """RFC 6749, 3.3, without what means something in an INI file."""
    if not re.fullmatch(r"[A-Za-z0-9._:/-]{1,200}", v.text(value)):
        raise WrongValueError("is not a scope", "write each as your provider names it, such as groups")
    return str(value)


def _role_path(value: Any) -> str:
    """A JMESPath expression (jmespath.org/specification.html) that Grafana's INI file takes as it is: on one line,
    without variables, comments, and quotes around all of it (gopkg.in/ini.v1, parser.go)."""
    import jmespath  # noqa: PLC0415 - only for those who use it
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    written = v.text(value)
    if len(written) > LONGEST_PATH:
        raise WrongValueError(f"is longer than {LONGEST_PATH} characters", "write a shorter expression")
    if re.search(r'[;#$%"`\\]|[^ -~]', written) or written.startswith("'"):
        raise WrongValueError(
            'has characters that grafana.ini cannot take: ; # $ % " ` \\, a quote at its beginning, or none of ASCII',
            "compare with texts in single quotes: contains(groups[*], 'ops') && 'Admin' || 'Viewer'",
        )
    try:
        jmespath.compile(written)  # type: ignore[no-untyped-call]
    except JMESPathError:
        raise WrongValueError(
            "is not a JMESPath expression", "write one such as contains(groups[*], 'ops') && 'Admin' || 'Viewer'"
        ) from None
    return written


class OAuth(Part):
    """Grafana's section [auth.generic_oauth] (grafana.com/docs/grafana/latest/setup-grafana/configure-access/
    configure-authentication/generic-oauth).

    name: on the button. auth_url, token_url, api_url: the provider's authorization, token and userinfo endpoints.
    role_attribute_path: what Viewer, Editor or Admin is made of at each login; None: roles are given in Grafana.
    allowed_domains: of the email addresses that may log in; all without any. login_form: whether Grafana still shows
    its own form for user name and password.
    """

    name: Annotated[
        str, v.matching(r"[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)*", "is not a usable name", "use letters, digits . _ -")
    ] = "OAuth"
    client_id: Annotated[
        str,
        v.matching(
            r"[A-Za-z0-9][A-Za-z0-9._~@:/+=-]{0,255}",
            "is not a usable client ID",
            "write the one that your provider gave you",
        ),
    ]
    client_secret: Annotated[SecretStr, BeforeValidator(v.password)]
    auth_url: Annotated[str, BeforeValidator(_endpoint)]
    token_url: Annotated[str, BeforeValidator(_endpoint)]
    api_url: Annotated[str, BeforeValidator(_endpoint)]
    scopes: Annotated[tuple[str, ...], each(_scope, least=1)] = ("openid", "email", "profile")
    role_attribute_path: Annotated[str, BeforeValidator(_role_path)] | None = None
    allowed_domains: Annotated[tuple[str, ...], each(v.domain)] = ()
    login_form: v.Flag = True
