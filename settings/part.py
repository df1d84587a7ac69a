"""What all settings are made of: objects with checked keys, and lists of checked elements."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from settings.mistakes import WrongValueError, quoted

MOST_ELEMENTS = 50
"""Also the most CIDRs: EC2 allows 60 inbound rules per security group by default."""


class Part(BaseModel):
    """Base of all settings: immutable, keys in camelCase, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


def as_list(value: Any, most: int = MOST_ELEMENTS) -> list[Any] | tuple[Any, ...]:
    """A list of at most `most` elements."""
    if isinstance(value, str):
        raise WrongValueError("is a string, not a list", "write a list: [{it}]", it=quoted(value))
    if not isinstance(value, list | tuple):
        raise WrongValueError("is not a list", "write a list: one `- value` per line")
    if len(value) > most:
        raise WrongValueError(f"has {len(value)} elements", f"write at most {most}")
    return value


def each(check: Any, least: int = 0) -> BeforeValidator:
    """A validator of lists without duplicates, whose elements (at least `least`) pass `check`."""

    def run(value: Any) -> tuple[Any, ...]:
        elements = []
        for element in as_list(value):
            try:
                elements.append(check(element))
            except WrongValueError as error:
                raise error.about(element) from None
        twice = next((element for element in elements if elements.count(element) > 1), None)
        if twice is not None:
            raise WrongValueError("contains {it} twice", "write each once", it=twice)
        if len(elements) < least:
            raise WrongValueError("is empty", "write at least one element")
        return tuple(elements)

    return BeforeValidator(run)
