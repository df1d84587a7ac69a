"""A local AWS, and people with stacks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
def converged(person: Callable[..., Product]) -> Iterator[Product]:
    """A stack in which everything is up that needs no running server. Nobody changes what is up; a test's settings are
    taken back."""
    mine = person()
    mine.up()
    yield mine
    mine.destroy()


@pytest.fixture
def mine(converged: Product) -> Iterator[Product]:
    """The stack that is up, with the settings of Pulumi.dev.yaml as they are afterwards."""
    file = converged.folder / f"Pulumi.{converged.stack}.yaml"
    before = file.read_text()
    yield converged
    file.write_text(before)


@pytest.fixture(scope="session")
def bootstrap(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Bootstrap:
    """What the account's administrator made; there is one in an account."""
    folder = tmp_path_factory.mktemp("bootstrap")
    made = Bootstrap.make(folder / "home", folder / "person", aws)
    made.up()
    return made
