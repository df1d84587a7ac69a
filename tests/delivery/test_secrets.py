"""No secret of a stack gets out, whatever form a message has it in."""

from __future__ import annotations

import json
from typing import Any

from delivery import secrets
from delivery.secrets import Redactor
from tests.support.certificates import KEY

SETTINGS = {
    "monitoring:smtp": {"host": "smtp.example.com", "password": {"secure": "v1:x"}},
    "monitoring:hosts": [{"address": "198.51.100.7", "privateKey": {"secure": "v1:y"}}],
    "aws:secretKey": {"secure": "v1:z"},
    "monitoring:retention": "14d",
}
CONFIG = {
    "monitoring:smtp": {
        "value": "…",
        "objectValue": {"host": "smtp.example.com", "password": "the-password"},
        "secret": True,
    },
    "monitoring:hosts": {"objectValue": [{"address": "198.51.100.7", "privateKey": KEY}], "secret": True},
    "aws:secretKey": {"value": "the-aws-secret", "secret": True},
    "monitoring:retention": {"value": "14d", "secret": False},
}
ENVELOPE = "4dabf18193072939515e22adb298388d"
STATE: dict[str, Any] = {
    "deployment": {
        "resources": [
            {
                "inputs": {
                    "connection": {ENVELOPE: "…", "plaintext": json.dumps({"host": "198.51.100.7", "port": "22"})}
                }
            },
            {"outputs": {"result": {ENVELOPE: "…", "plaintext": json.dumps("generated-password")}, "id": "none"}},
        ]
    }
}


def ask(*arguments: str) -> str:
    return json.dumps(CONFIG if arguments[0] == "config" else STATE)


def test_every_secret_is_found_and_no_plain_setting() -> None:
    found = secrets.of_stack(ask, SETTINGS)
    assert found == {"the-password", KEY, "the-aws-secret", "generated-password", "22"}


def test_secrets_are_hidden_in_every_form() -> None:
    hide = Redactor(secrets.of_stack(ask, SETTINGS))
    line = KEY.splitlines()[1]
    text = f"x the-password, {json.dumps(KEY)}, {line}, url://generated-password@host port 22"
    assert hide(text) == 'x [secret], "[secret]", [secret], url://[secret]@host port 22'


def test_a_secret_that_contains_another_is_hidden_completely() -> None:
    assert Redactor(["password-1", "password-1-and-more"])("password-1-and-more") == "[secret]"
