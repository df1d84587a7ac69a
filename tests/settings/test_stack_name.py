"""Names of stacks after which the backups' bucket can, or cannot, be named."""

from __future__ import annotations

import pulumi
import pytest

import settings
from settings.stack_name import wrong_for_a_bucket
from tests.support.configuration import raw


@pytest.mark.parametrize("name", ["dev", "Prod_2", "a.b", "a--b", "7", "x" * 36])
def test_a_name_that_s3_accepts(name: str) -> None:
    assert wrong_for_a_bucket(name) is None


@pytest.mark.parametrize("name", ["a..b", ".", "-dash", "a.", "a-.b", "a._b", "_a", "x" * 37])
def test_a_name_that_s3_would_refuse_is_refused(name: str) -> None:
    wrong = wrong_for_a_bucket(name)
    assert wrong is not None
    assert wrong.startswith(f"the stack's name {name}: ")


def test_only_a_stack_with_a_bucket_refuses_such_names() -> None:
    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project="monitoring", stack="a..b"))
    pulumi.runtime.set_all_config(raw(backups={"enabled": True}))
    with pytest.raises(pulumi.RunError, match=r"the stack's name a\.\.b: "):
        settings.from_pulumi()
    pulumi.runtime.set_all_config(raw(backups={"enabled": False}))
    assert not settings.from_pulumi().backups.enabled
