"""RandomId: random bytes in several notations."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable

from sandbox.plugins.base import (
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    MapOf,
    Output,
    PluginError,
    Properties,
    Resource,
    fields,
)


class RandomId(Resource[None]):
    """https://www.pulumi.com/registry/packages/random/api-docs/randomid/"""

    token = "random:index/randomId:RandomId"
    title = "RandomId"
    inputs = fields(
        byteLength=Input(INTEGER, required=True, replaces=True),
        keepers=Input(MapOf(TEXT), replaces=True),
        prefix=Input(TEXT, replaces=True),
    )
    outputs = fields(b64Std=Output(), b64Url=Output(), dec=Output(), hex=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if inputs["byteLength"] is not UNKNOWN and inputs["byteLength"] < 1:
            yield Failure("byteLength", f"must be at least 1, got: {inputs['byteLength']}")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        return _notations(secrets.token_bytes(inputs["byteLength"]), inputs.get("prefix", ""))

    def read(self, id_: str, state: Properties) -> Properties | None:
        if state:
            return {}
        prefix, _, text = id_.rpartition(",")
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise PluginError(f"RandomId: the id to import is no base64 text: {text}") from error
        identity, outputs = _notations(data, prefix)
        given = {"byteLength": len(data)} | ({"prefix": prefix} if prefix else {})
        return {"id": identity, **given, **outputs}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing but the state has to go."""


def _notations(data: bytes, prefix: str) -> tuple[str, Properties]:
    """The id (without the prefix) and the outputs (with it)."""
    url = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return url, {
        "b64Std": prefix + base64.b64encode(data).decode(),
        "b64Url": prefix + url,
        "dec": prefix + str(int.from_bytes(data, "big")),
        "hex": prefix + data.hex(),
    }
