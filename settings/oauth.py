"""Single sign-on: the identity provider that people log in to Grafana with."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

from settings import values as v
from settings.addresses import address_on_usual_port
from settings.mistakes import WrongValueError
from settings.part import Part, each

LONGEST_PATH = 512
"""Characters of a role path: grafana.ini is a parameter of at most 4,096 bytes in the free tier."""


def _scope(value: Any) -> str:
    """A scope (RFC 6749, 3.3), without characters that are special in an INI file."""
    if not re.fullmatch(r"[A-Za-z0-9._:/-]{1,200}", v.text(value)):
        raise WrongValueError("is not a scope", "write each as your provider names it, such as groups")
    return str(value)


def _role_path(value: Any) -> str:
    """A JMESPath expression (jmespath.org/specification.html) that Grafana reads unchanged from its INI file: on one
    line, without variables, comments, or quotes around all of it (gopkg.in/ini.v1, parser.go)."""
    import jmespath  # noqa: PLC0415 - only for stacks that use it
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    written = v.text(value)
    if len(written) > LONGEST_PATH:
        raise WrongValueError(f"is longer than {LONGEST_PATH} characters", "write a shorter expression")
    if re.search(r'[;#$%"`\\]|[^ -~]', written) or written.startswith("'"):
        raise WrongValueError(
            'has characters that cannot be in grafana.ini: ; # $ % " ` \\, a quote at its beginning, or non-ASCII ones',
            "put strings in single quotes: contains(groups[*], 'ops') && 'Admin' || 'Viewer'",
        )
    try:
        _check_calls(jmespath.compile(written).parsed)  # type: ignore[no-untyped-call]
    except RecursionError:
        raise WrongValueError("is nested too deep", "write fewer parentheses and brackets") from None
    except JMESPathError:
        raise WrongValueError(
            "is not a JMESPath expression", "write one such as contains(groups[*], 'ops') && 'Admin' || 'Viewer'"
        ) from None
    return written


GOS_OWN = dict.fromkeys(("from_items", "items", "lower", "upper"), (1, 1)) | {
    **{"group_by": (2, 2), "find_first": (2, 4), "find_last": (2, 4), "split": (2, 3), "replace": (3, 4)},
    **{"pad_left": (2, 3), "pad_right": (2, 3), "trim": (1, 2), "trim_left": (1, 2), "trim_right": (1, 2)},
    "zip": (1, 99),
}
"""Additional functions of Grafana's library (jmespath-community/go-jmespath, pkg/functions/default.go), with the least
and the most arguments."""


def _arguments(name: str) -> tuple[int, int] | None:
    """The least and the most arguments of a function; None if it is unknown."""
    from jmespath.functions import Functions  # noqa: PLC0415 - as above

    if name not in Functions.FUNCTION_TABLE:
        return GOS_OWN.get(name)
    expected = Functions.FUNCTION_TABLE[name]["signature"]
    return len(expected), 99 if any(one.get("variadic") for one in expected) else len(expected)


def _wrong_kind(name: str, given: list[dict[str, Any]]) -> str:
    """What is wrong with arguments that are expressions (&…) and must not be, or vice versa; empty if nothing is."""
    from jmespath.functions import Functions  # noqa: PLC0415 - as above

    for expected, argument in zip(
        Functions.FUNCTION_TABLE.get(name, {"signature": ()})["signature"], given, strict=False
    ):
        if (expected["types"] == ["expref"]) != (argument["type"] == "expref"):
            return "calls {name} without & in front of an expression, or with one in front of a value"
    return ""


def _check_calls(node: dict[str, Any]) -> None:
    """Raises WrongValueError for what compiles but fails at each login: unknown functions, a wrong number of arguments,
    slices with the step 0."""
    given = node["children"]
    if node["type"] == "slice" and given[2] == 0:
        raise WrongValueError("has a slice with the step 0", "write another step, or none")
    if node["type"] == "function_expression":
        name = node["value"]
        known = _arguments(name)
        if not known:
            raise WrongValueError("calls {name}, which JMESPath does not have", "use contains, for example", name=name)
        if not known[0] <= len(given) <= known[1]:
            wrong = f"calls {{name}} with {len(given)} arguments instead of {known[0]}"
            raise WrongValueError(wrong, "see jmespath.org/specification.html", name=name)
        if wrong := _wrong_kind(name, given):
            raise WrongValueError(wrong, "see jmespath.org/specification.html", name=name)
    for child in given:
        if isinstance(child, dict):
            _check_calls(child)


def _together(longest: int, check: Any, least: int = 0) -> BeforeValidator:
    """Like `each`, but of at most `longest` characters in total: grafana.ini is a parameter of at most 8 KiB."""
    elements = each(check, least)

    def run(value: Any) -> Any:
        checked = elements.func(value)  # type: ignore[call-arg]
        if (size := sum(map(len, checked))) > longest:
            raise WrongValueError(f"has {size} characters", f"write at most {longest} in total")
        return checked

    return BeforeValidator(run)


class OAuth(Part):
    """Grafana's section [auth.generic_oauth] (grafana.com/docs/grafana/latest/setup-grafana/configure-access/
    configure-authentication/generic-oauth).

    name: on the button. auth_url, token_url, api_url: the provider's authorization, token and userinfo endpoints.
    role_attribute_path: yields Viewer, Editor or Admin at each login; None: roles are assigned in Grafana.
    allowed_domains: of the email addresses that may log in; all if none is given. login_form: whether Grafana still
    shows its own form for user name and password.
    """

    name: Annotated[
        str,
        v.matching(
            r"(?=.{1,64}$)[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)*",
            "is not a usable name",
            "use up to 64 letters, digits . _ -",
        ),
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
    auth_url: Annotated[str, BeforeValidator(address_on_usual_port)]
    token_url: Annotated[str, BeforeValidator(address_on_usual_port)]
    api_url: Annotated[str, BeforeValidator(address_on_usual_port)]
    scopes: Annotated[tuple[str, ...], _together(500, _scope, least=1)] = ("openid", "email", "profile")
    role_attribute_path: Annotated[str, BeforeValidator(_role_path)] | None = None
    allowed_domains: Annotated[tuple[str, ...], _together(1000, v.domain)] = ()
    login_form: v.Flag = True
