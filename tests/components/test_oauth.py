"""Single sign-on (`oauth`): Grafana's configuration, and where the client secret is."""

from __future__ import annotations

import configparser
import json

import pytest

from tests.components.conftest import Run, run_program
from tests.settings.test_oauth import DOMAIN, HERE


@pytest.fixture(scope="module")
def run() -> Run:
    oauth = HERE | {"roleAttributePath": "role || 'Viewer'", "allowedDomains": ["example.com", "example.org"]}
    return run_program({"domain": DOMAIN, "oauth": oauth}, secret=("oauth",))


def test_the_secret_is_a_parameter_and_nowhere_else(run: Run, prod: Run) -> None:
    parameter = run.one("Parameter", "oauth-secret")
    assert (parameter["type"], parameter["value"], parameter["tier"]) == ("SecureString", "secret-word", "Standard")
    assert [r.name for r in run.resources if "secret-word" in json.dumps(r.inputs)] == ["oauth-secret"]
    assert not [r for r in prod.resources if r.name == "oauth-secret"]


def test_grafana_s_configuration_has_the_provider(run: Run, prod: Run) -> None:
    ini = configparser.RawConfigParser(comment_prefixes=("#", ";"))
    ini.read_string(run.one("Parameter", "grafana.ini")["insecureValue"])
    section = ini["auth.generic_oauth"]
    assert section["client_secret"] == "$__file{/etc/grafana/oauth-secret}"
    assert section["allowed_domains"] == "example.com example.org"
    assert section["role_attribute_path"] == "role || 'Viewer'"
    assert (section["use_pkce"], section.get("skip_org_role_sync")) == ("true", None)
    assert ini["auth"]["disable_login_form"] == "false"
    assert ini["server"]["domain"] == DOMAIN
    assert "generic_oauth" not in prod.one("Parameter", "grafana.ini")["insecureValue"]
