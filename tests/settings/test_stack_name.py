"""Names of stacks that a bucket can, and cannot, be named after."""

from __future__ import annotations

import json

import pulumi
import pytest

import settings
from settings.stack_name import wrong_for_a_bucket


@pytest.mark.parametrize("name", ["dev", "Prod_2", "a.b", "a--b", "7", "x" * 36])
def test_a_name_s3_takes(name: str) -> None:
    assert wrong_for_a_bucket(name) is None


@pytest.mark.parametrize("name", ["a..b", ".", "-dash", "a.", "a-.b", "a._b", "_a", "x" * 37])
def test_a_name_s3_would_refuse(name: str) -> None:
    wrong = wrong_for_a_bucket(name)
    assert wrong is not None
    assert wrong.startswith(f"the stack's name {name}: ")


@pytest.mark.parametrize(("backups", "refused"), [(True, True), (False, False)])
def test_only_a_stack_with_a_bucket_refuses_such_names(backups: bool, refused: bool) -> None:
    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project="monitoring", stack="a..b"))
    config = {"aws:region": "eu-central-1"} | {
        f"monitoring:{key}": json.dumps(value)
        for key, value in {
            "operatorCidrs": ["203.0.113.0/24"],
            "agentCidrs": ["203.0.113.0/24"],
            "backups": {"enabled": backups},
        }.items()
    }
    pulumi.runtime.set_all_config(config)
    if refused:
        with pytest.raises(pulumi.RunError, match=r"the stack's name a\.\.b: "):
            settings.from_pulumi()
    else:
        assert settings.from_pulumi().region == "eu-central-1"
