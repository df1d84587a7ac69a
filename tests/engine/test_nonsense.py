"""Unusable settings in a real preview: each is one line of a single error, without a traceback or a secret.

tests/settings has many more, against the settings alone. Here it is what the user sees:
YAML, the CLI, the engine and the language host lie between the stack's file and the message.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from settings.stack_name import LONGEST
from tests.engine.product import Product

pytestmark = pytest.mark.slow

MARKER = "hunter2-Qx7vLw9zKp3mRt5bNc8dJf4gHs6a"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO5CFVAQUr0EU3uJ8SMd0Eb9tQwqfuhEbHDYeNOKx0mX"
HOST = {"name": "web-1", "address": "198.51.100.7", "user": "admin", "hostKey": HOST_KEY}

TOGETHER: dict[str, dict[str, tuple[Any, str]]] = {
    "numbers and versions": {
        "dataVolumeSize": (10**30, "is not an integer"),
        "rootVolumeSize": ("9" * 5000, "is not an integer"),
        "accessKeyGeneration": ("٢", "is not an integer"),
        "influxdbVersion": ("2.7.12-1", "is not a 1.x version"),
        "telegrafVersion": ("1.38.5-1", "write 1.39.0 or later"),
        "grafanaVersion": (13.1, "is not a full Debian package version"),
        "bootTimeout": ("0s", "is out of range"),
        "retention": ("30d; DROP DATABASE telegraf", "is not a duration"),
        "protect": ("no", "write false"),
        "backups": ({"schedule": "0٤:00"}, "is not a time of day"),
        "instanceType": ("colossal", "is not an EC2 instance type"),
        "instancetype": ("t3.small", "did you mean instanceType?"),
    },
    "places": {
        "operatorCidrs": (["224.0.0.0/4"], "is a multicast range"),
        "agentCidrs": (["10.0.0.1/8"], "has bits set beyond its prefix"),
        "domain": ("ssm.eu-central-1.amazonaws.com\n", "control characters"),
        "restoreFrom": ("s3://bbb/../latest", "does not name a backup"),
        "grafanaRepository": ({"url": f"https://me:{MARKER}@a.b"}, "contains credentials"),
        "subnetId": ([["x"]], "is not a string"),
        "tags": ({"te#am": "x"}, "has a character that AWS tags do not allow"),
        "hosts": ([HOST | {"address": "fe80::1%${INFLUX_PASSWORD}"}], "is not a host name or address"),
        "customMetrics": ("[" * 2000, "has more than 12 levels of nested lists and objects"),
    },
}
"""Wrong values that are all reported by one preview."""


def said_about(said: str, key: str) -> str:
    """The one line that begins with a key."""
    (line,) = [line.strip() for line in said.splitlines() if line.strip().startswith(key)]
    return line


def clean(said: str) -> None:
    assert "Traceback" not in said
    assert "Error:" not in said, "the name of an exception is shown"
    assert not [MARKER[at : at + 8] for at in range(len(MARKER) - 7) if MARKER[at : at + 8] in said]
    assert all(len(line) < 400 for line in said.splitlines())


@pytest.mark.parametrize("what", TOGETHER)
def test_each_wrong_value_is_one_line(product: Product, what: str) -> None:
    product.configure(**{key: value for key, (value, _) in TOGETHER[what].items()})
    said = product.refused()
    clean(said)
    assert f"{len(TOGETHER[what])} mistakes in the configuration (Pulumi.dev.yaml); nothing was changed:" in said
    for key, (_, reported) in TOGETHER[what].items():
        assert reported in said_about(said, f"monitoring:{key}")


def test_no_part_of_a_secret_is_shown(product: Product) -> None:
    """Such as an SMTP password next to an ordinary mistake."""
    secret = ("config", "set", "--stack", product.stack, "--secret", "--path")
    for path in ("smtp.password", "contactPoints.webhookToken", "influxdb.password"):
        product.run(*secret, f"monitoring:{path}", f"{MARKER}'")
    product.run(*secret, "monitoring:contactPoints.slack", f"https://[{MARKER}")
    plain = ("config", "set", "--stack", product.stack, "--path")
    for path, value in {"smtp.host": "m.example.com", "smtp.user": "u", "smtp.sender": "a@b.cc"}.items():
        product.run(*plain, f"monitoring:{path}", value)
    said = product.refused()
    clean(said)
    assert "has a single quote" in said_about(said, "monitoring:smtp.password")
    assert "is not a URL" in said_about(said, "monitoring:contactPoints.slack")
    assert "is missing" in said_about(said, "monitoring:influxdb.url")


@pytest.mark.parametrize(
    ("setting", "value", "reported"),
    [
        ("maxRetries", "9" * 5000, "aws:maxRetries: is not an integer"),
        ("assumeRoles", [{"rolearn": "x"}], "aws:assumeRoles[0].rolearn: is not a setting of the AWS provider"),
    ],
)
def test_a_wrong_setting_of_the_provider_is_one_line(product: Product, setting: str, value: Any, reported: str) -> None:
    product.configure(**{f"aws__{setting}": value})
    said = product.refused()
    clean(said)
    assert reported in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"aws__region": "eu-middle-1"}, ["aws:region", "eu-middle-1"]),
        ({"instanceType": "t9.huge"}, ["monitoring:instanceType", "t9.huge"]),
        (
            {"grafanaRepository": dict.fromkeys(("url", "keyUrl"), "https://example.org/" + "a" * 3900)},
            ["user data", "12"],
        ),
    ],
    ids=["region", "instance type", "user data"],
)
def test_mistakes_that_only_aws_or_the_rendered_user_data_shows(
    product: Product, settings: dict[str, Any], words: list[str]
) -> None:
    product.configure(**settings)
    said = product.refused()
    assert "Traceback" not in said
    assert [word for word in words if word not in said] == [], said


def test_missing_credentials_are_one_clear_message(product: Product) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    said = product.run("preview", "--refresh", "--stack", product.stack, fails=True, **nobody, HOME="/nonexistent")
    assert "credential" in said.lower()
    assert "Traceback" not in said


def test_the_longest_stack_name_fits_into_the_name_of_a_bucket(product: Product) -> None:
    """The plugin adds a dash and seven digits to the logical name, and refuses what S3 would refuse."""
    settings = yaml.safe_load((product.folder / f"Pulumi.{product.stack}.yaml").read_text())["config"]
    named = Product(product.folder, product.env, "x" * LONGEST)
    named.write("monitoring", settings)
    named.run("stack", "init", named.stack)
    bucket = f"monitoring-{named.stack}-backups"
    assert f"Bucket::{bucket}" in named.preview()
    assert len(f"{bucket}-1a2b3c4") == 63
    (product.folder / f"Pulumi.{named.stack}.yaml").unlink()
