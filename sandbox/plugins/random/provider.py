"""The provider `random`, as in terraform-provider-random 3: values stay until an input changes."""

from __future__ import annotations

from sandbox.plugins.base import Properties, Provider
from sandbox.plugins.random.text import RandomPassword, RandomString


class RandomProvider(Provider[None]):
    """Has no settings, and keeps nothing outside the state."""

    package = "random"
    distribution = "pulumi-random"
    resources = (RandomPassword, RandomString)

    def configure(self, config: Properties) -> None:
        return None
