"""A local AWS, and stacks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.bootstrapped import Bootstrap
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud, aws

__all__ = ["aws"]


@pytest.fixture(scope="session")
def make_product(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Product]:
    """Makes a stack with its own backend, as another person would have it, and the settings of Pulumi.dev.yaml."""
    home = tmp_path_factory.mktemp("pulumi") / "home"

    def make(stack: str = "dev", project: str = "monitoring") -> Product:
        return Product.make(home, tmp_path_factory.mktemp("person") / "of", aws, stack, project)

    return make


@pytest.fixture(scope="session")
def converged(make_product: Callable[..., Product]) -> Iterator[Product]:
    """A stack that is up, except for what needs a running server. Tests do not change what is up, and their settings
    are reverted."""
    product = make_product()
    product.up()
    yield product
    product.destroy()


@pytest.fixture
def product(converged: Product) -> Iterator[Product]:
    """The stack that is up; its settings, those of Pulumi.dev.yaml, are restored afterwards."""
    file = converged.folder / f"Pulumi.{converged.stack}.yaml"
    before = file.read_text()
    yield converged
    file.write_text(before)


@pytest.fixture(scope="session")
def bootstrap(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Bootstrap:
    """The account's bootstrap, which is up; an account has only one."""
    folder = tmp_path_factory.mktemp("bootstrap")
    made = Bootstrap.make(folder / "home", folder / "person", aws)
    made.up()
    return made
