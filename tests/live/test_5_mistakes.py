"""What a person gets to read after a mistake: one clear message, no traceback, nothing touched."""

from __future__ import annotations

import pytest

from tests.live.environment import Environment

pytestmark = pytest.mark.live

MISTAKES = {
    "malformed CIDR": (["monitoring:operatorCidrs[0]=10.0.0.0/33"], ["operatorCidrs", "10.0.0.0/33"]),
    "unknown key": (["monitoring:instancetype=t3.small"], ["instancetype", "instanceType"]),
    "two at once": (
        ["monitoring:accessKeyGeneration=zero", "monitoring:retention=a while"],
        ["accessKeyGeneration", "zero", "retention", "a while"],
    ),
    "unknown region": (["aws:region=eu-middle-1"], ["eu-middle-1", "aws:region"]),
    "unsupported instance type": (["monitoring:instanceType=t9.colossal"], ["t9.colossal"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_setting_is_one_clear_message(environment: Environment, mistake: str) -> None:
    settings, words = MISTAKES[mistake]
    options = [option for setting in settings for option in ("--config-path", "--config", setting)]
    process = environment.pulumi("preview", *options)
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


def test_user_data_that_is_too_large_is_refused_before_anything_happens(environment: Environment) -> None:
    process = environment.pulumi(
        "preview", "--config", f"monitoring:domain={'a' * 60}.{'b' * 60}.example.org"
    )
    assert process.returncode == 0, process.stdout[-2000:]


def test_the_environment_is_untouched_by_mistakes(environment: Environment) -> None:
    again = environment.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert again.returncode == 0, again.stdout[-3000:]
