"""Two people, each with a state of their own, whose stacks have the same name in one account and region."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow


def parameters(aws: Cloud) -> dict[str, str]:
    """Name and value of every parameter of anybody's stack."""
    pages = aws.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path="/monitoring", Recursive=True, WithDecryption=True)
    return {each["Name"]: each["Value"] for page in found for each in page["Parameters"]}


def test_neither_takes_over_nor_deletes_what_is_the_other_s(
    person: Callable[..., Product], mine: Product, aws: Cloud
) -> None:
    before = parameters(aws)
    assert before
    theirs = person(mine.stack)
    theirs.up()
    assert parameters(aws).items() > before.items()
    theirs.destroy()
    assert parameters(aws) == before
