"""RandomString and RandomPassword: random characters with a minimum of each kind."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from typing import ClassVar

import bcrypt

from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    MapOf,
    Output,
    Properties,
    Resource,
    fields,
)

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
BCRYPT_BYTES = 72
"""The number of bytes that bcrypt uses. The real provider cuts off the rest."""

KINDS = ("upper", "lower", "numeric", "special")
MINIMA = ("minUpper", "minLower", "minNumeric", "minSpecial")


class _Characters(Resource[None]):
    """What both have in common: everything but whether the result is secret."""

    inputs = fields(
        keepers=Input(MapOf(TEXT), replaces=True),
        length=Input(INTEGER, required=True, replaces=True),
        lower=Input(BOOLEAN, default=True, replaces=True),
        minLower=Input(INTEGER, default=0, replaces=True),
        minNumeric=Input(INTEGER, default=0, replaces=True),
        minSpecial=Input(INTEGER, default=0, replaces=True),
        minUpper=Input(INTEGER, default=0, replaces=True),
        # `number` is the old name of `numeric`; whichever is given sets both.
        number=Input(BOOLEAN, computed=True, replaces=True),
        numeric=Input(BOOLEAN, computed=True, replaces=True),
        overrideSpecial=Input(TEXT, replaces=True),
        special=Input(BOOLEAN, default=True, replaces=True),
        upper=Input(BOOLEAN, default=True, replaces=True),
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if UNKNOWN in (inputs["length"], *(inputs[name] for name in MINIMA)):
            return
        wanted = sum(inputs[name] for name in MINIMA)
        if inputs["length"] < max(1, wanted):
            reason = "must be at least 1 and the sum of minUpper, minLower, minNumeric and minSpecial"
            yield Failure("length", f"{reason} ({wanted}), got: {inputs['length']}")
        given = [_numeric(inputs) if kind == "numeric" else inputs[kind] for kind in KINDS]
        if not any(given):
            yield Failure("special", f"at least one of {', '.join(KINDS)} must be true")

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Nothing exists outside the state. In an import, the id is the text itself."""
        if state:
            return {}
        defaults = {name: each.default for name, each in self.inputs.items() if each.default is not None}
        outputs = {"numeric": True, "number": True, "result": id_, **self._more(id_)}
        return {"id": self._id(id_), **defaults, "length": len(id_), **outputs}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        numeric = _numeric(inputs)
        result = generate({**inputs, "numeric": numeric})
        outputs = {"numeric": numeric, "number": numeric, "result": result, **self._more(result)}
        return self._id(result), outputs

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing to do outside the state."""

    def _id(self, result: str) -> str:
        raise NotImplementedError

    def _more(self, result: str) -> Properties:
        return {}


class RandomString(_Characters):
    """https://www.pulumi.com/registry/packages/random/api-docs/randomstring/"""

    token = "random:index/randomString:RandomString"
    title = "RandomString"
    outputs: ClassVar = fields(result=Output())

    def _id(self, result: str) -> str:
        return result


class RandomPassword(_Characters):
    """https://www.pulumi.com/registry/packages/random/api-docs/randompassword/"""

    token = "random:index/randomPassword:RandomPassword"
    title = "RandomPassword"
    outputs: ClassVar = fields(result=Output(secret=True), bcryptHash=Output(secret=True))

    def _id(self, result: str) -> str:
        return "none"

    def _more(self, result: str) -> Properties:
        return {"bcryptHash": bcrypt.hashpw(result.encode()[:BCRYPT_BYTES], bcrypt.gensalt(10)).decode()}


def _numeric(inputs: Properties) -> bool:
    for name in ("numeric", "number"):
        if inputs.get(name) is not None:
            return bool(inputs[name])
    return True


def generate(inputs: Properties) -> str:
    """A text of `length` characters, with at least `minUpper`, ... of each kind, in random order."""
    alphabets = {
        "minUpper": (inputs["upper"], string.ascii_uppercase),
        "minLower": (inputs["lower"], string.ascii_lowercase),
        "minNumeric": (inputs["numeric"], string.digits),
        "minSpecial": (inputs["special"], inputs.get("overrideSpecial") or SPECIAL),
    }
    characters = [
        secrets.choice(alphabet) for minimum, (_, alphabet) in alphabets.items() for _ in range(inputs[minimum])
    ]
    every = "".join(alphabet for wanted, alphabet in alphabets.values() if wanted)
    characters += [secrets.choice(every) for _ in range(inputs["length"] - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)
