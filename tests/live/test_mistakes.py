"""What a person gets to read after a mistake: one clear message, no traceback, nothing touched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.environment import Environment

pytestmark = pytest.mark.live

MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "malformed CIDR": ({"operatorCidrs": ["10.0.0.0/33"]}, ["operatorCidrs", "10.0.0.0/33"]),
    "unknown key": ({"instancetype": "t3.small"}, ["instancetype", "did you mean instanceType"]),
    "two at once": (
        {"accessKeyGeneration": "zero", "retention": "a while"},
        ["accessKeyGeneration", "zero", "retention", "a while"],
    ),
    "unknown region": ({"aws__region": "eu-middle-1"}, ["eu-middle-1", "aws:region"]),
    "no such instance type": ({"instanceType": "t9.huge"}, ["t9.huge", "instanceType"]),
    "not an instance type": ({"instanceType": "colossal"}, ["colossal", "instanceType"]),
    "user data too large": (
        {"grafanaRepository": dict.fromkeys(("url", "keyUrl"), "https://example.org/" + "a" * 3900)},
        ["user data", "12"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_setting_is_one_clear_message(environment: Environment, mistake: str) -> None:
    settings, words = MISTAKES[mistake]
    with environment.settings(**settings):
        process = environment.pulumi("preview")
    text = process.stdout + process.stderr
    assert process.returncode != 0, text[-2000:]
    for word in words:
        assert word in text, text[-2500:]
    assert "Traceback" not in text


def test_no_credentials_is_one_clear_message(environment: Environment) -> None:
    process = environment.pulumi(
        *("preview", "--refresh"),
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_EC2_METADATA_DISABLED="true",
        HOME="/nonexistent",
    )
    text = process.stdout + process.stderr
    assert process.returncode != 0
    assert "credential" in text.lower()
    assert "Traceback" not in text


def test_the_environment_is_untouched_by_mistakes(environment: Environment) -> None:
    again = environment.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert again.returncode == 0, again.stdout[-3000:]
