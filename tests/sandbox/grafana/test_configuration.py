"""grafana.ini, environment and command line, in Grafana's order of precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.grafana.double.configuration import Configuration
from sandbox.grafana.double.errors import ConfigurationError
from sandbox.grafana.double.settings import Settings
from tests.sandbox.grafana.support import DEFAULTS


def read(tmp_path: Path, text: str, *overrides: str, **environment: str) -> Settings:
    file = tmp_path / "grafana.ini"
    file.write_text(text)
    return Settings.from_configuration(Configuration.read([DEFAULTS, file], overrides, environment))


def test_defaults_are_those_of_grafana(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert (settings.protocol, settings.http_port, settings.admin_user) == ("http", 3000, "admin")
    assert settings.root_url == "http://localhost:3000/"
    assert not settings.anonymous


def test_the_later_source_wins(tmp_path: Path) -> None:
    text = "[server]\nhttp_port = 3001\n[paths]\ndata = /one\n"
    assert read(tmp_path, text).http_port == 3001
    assert read(tmp_path, text, GF_SERVER_HTTP_PORT="3002").http_port == 3002
    last = read(tmp_path, text, "cfg:server.http_port=3003", GF_SERVER_HTTP_PORT="3002")
    assert last.http_port == 3003
    assert read(tmp_path, text, "cfg:default.paths.data=/two").data_path == Path("/one")
    assert read(tmp_path, "", "cfg:default.paths.data=/two").data_path == Path("/two")


def test_dots_in_a_section_s_name_are_underscores_in_the_environment(tmp_path: Path) -> None:
    assert read(tmp_path, "", GF_AUTH_ANONYMOUS_ENABLED="true").anonymous


def test_values_can_refer_to_files_and_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    assert read(tmp_path, f"[security]\nsecret_key = $__file{{{secret}}}\n").secret_key == "from the file"
    settings = read(tmp_path, "[security]\nadmin_user = $__env{WHO}\n", WHO="somebody")
    assert settings.admin_user == "somebody"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[server]\nprotocol = h3\n", "protocol"),
        ("[server]\nhttp_port = many\n", "not an integer"),
        ("[server]\nprotocol = https\n", "cert_file cannot be empty"),
        ("[server]\nprotocol = https\ncert_file = /no\ncert_key = /no\n", "cannot open cert_file at /no"),
        ("[security]\nsecret_key = $__file{/nothing/here}\n", "cannot read /nothing/here"),
        ("no ini at all", "not a valid ini file"),
        ("[auth.anonymous]\norg_role = King\n", "Viewer, Editor or Admin"),
    ],
)
def test_mistakes_are_reported_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
