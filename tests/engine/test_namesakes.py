"""Two people with separate states whose stacks have the same name, in the same account and region."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow


def parameters(aws: Cloud) -> dict[str, str]:
    """The name and value of every stack's parameters."""
    pages = aws.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path="/monitoring", Recursive=True, WithDecryption=True)
    return {each["Name"]: each["Value"] for page in found for each in page["Parameters"]}


def test_stacks_of_the_same_name_leave_each_other_alone(
    make_product: Callable[..., Product], product: Product, aws: Cloud
) -> None:
    before = parameters(aws)
    assert before
    theirs = make_product(product.stack)
    theirs.up()
    assert parameters(aws).items() > before.items()
    theirs.destroy()
    assert parameters(aws) == before
