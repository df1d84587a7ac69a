"""A local AWS, and people with stacks in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.bootstrapped import Bootstrap
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud, aws

__all__ = ["aws"]


@pytest.fixture(scope="session")
def person(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Product]:
    """Makes a person: a backend of its own, and a stack with the settings of Pulumi.dev.yaml."""
    home = tmp_path_factory.mktemp("pulumi") / "home"

    def make(stack: str = "dev", project: str = "monitoring") -> Product:
        return Product.make(home, tmp_path_factory.mktemp("person") / "of", aws, stack, project)

    return make


@pytest.fixture(scope="session")
def bootstrap(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Bootstrap:
    """What the account's administrator made; there is one in an account."""
    folder = tmp_path_factory.mktemp("bootstrap")
    made = Bootstrap.make(folder / "home", folder / "person", aws)
    made.up()
    return made
