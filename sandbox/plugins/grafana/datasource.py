"""Data sources, like terraform-provider-grafana's grafana_data_source."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.plugins.base import BOOLEAN, TEXT, Failure, Input, MapOf, Properties, fields
from sandbox.plugins.grafana.client import ORGANISATION, segment
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, key_of, make_id
from sandbox.plugins.schema import Boolean, JsonText

_RESERVED = {
    "jsonDataEncoded": {
        "httpHeaderName": "httpHeaderName{num} is a reserved key and cannot be used in JSON data. Use the "
        "http_headers attribute instead",
        "teamHttpHeaders": "teamHttpHeaders is a reserved key and cannot be used in JSON data",
        "enableSecureSocksProxy": "enableSecureSocksProxy is a reserved key and cannot be used in JSON data",
    },
    "secureJsonDataEncoded": {
        "httpHeaderValue": "httpHeaderValue{num} is a reserved key and cannot be used in JSON data. Use the "
        "http_headers attribute instead",
    },
}
_PLAIN = {
    "name": "name",
    "type": "type",
    "accessMode": "access",
    "url": "url",
    "username": "user",
    "databaseName": "database",
    "basicAuthEnabled": "basicAuth",
    "basicAuthUsername": "basicAuthUser",
    "isDefault": "isDefault",
    "uid": "uid",
}
"""The API's fields that inputs are copied to, by the input's name."""


class EncodedJson(JsonText):
    """A JSON object as text."""

    name: ClassVar[str] = "a JSON object as text"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, str):
            return self._mismatch(value, path, failures)
        try:
            parsed = json.loads(value)
        except ValueError:
            # The text is not shown, because it may be a secret.
            failures.append(Failure(path, "contains an invalid JSON"))
            return value
        if not isinstance(parsed, dict):
            failures.append(Failure(path, "must be a JSON object"))
        return value


class DefaultFlag(Boolean):
    """Whether it is the default data source. Grafana may make it the default, which is no difference."""

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other or (one and not other))


class DataSource(GrafanaResource):
    """A data source. `secureJsonDataEncoded` cannot be read, so manual changes to it go unnoticed."""

    token = "grafana:oss/dataSource:DataSource"
    title = "data source"
    inputs = fields(
        type=Input(TEXT, required=True),
        name=Input(TEXT, auto_name=True),
        uid=Input(TEXT, computed=True, replaces=True),
        url=Input(TEXT),
        accessMode=Input(TEXT, default="proxy"),
        username=Input(TEXT),
        databaseName=Input(TEXT),
        basicAuthEnabled=Input(BOOLEAN, default=False),
        basicAuthUsername=Input(TEXT),
        isDefault=Input(DefaultFlag(), default=False),
        httpHeaders=Input(MapOf(TEXT), secret=True),
        jsonDataEncoded=Input(EncodedJson()),
        secureJsonDataEncoded=Input(EncodedJson(), secret=True),
        privateDataSourceConnectNetworkId=Input(TEXT),
        orgId=ORG_ID,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Also refuses keys that the provider writes itself."""
        yield from super().check(inputs)
        for name, reserved in _RESERVED.items():
            value = inputs.get(name)
            for key, reason in reserved.items():
                if isinstance(value, str) and key in value:
                    yield Failure(name, reason)
        if inputs.get("privateDataSourceConnectNetworkId"):
            yield Failure("privateDataSourceConnectNetworkId", "is for Grafana Cloud only")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Add the data source."""
        made = self.client.call("POST", "/datasources", self._body(inputs))["datasource"]
        return make_id(made["uid"]), self._state(made, inputs)

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the data source, without its secrets."""
        found = self.client.get(f"/datasources/uid/{segment(key_of(id_))}")
        return None if found is None else {"id": make_id(found["uid"]), **self._state(found, state)}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Replace its settings in place."""
        uid = key_of(id_)
        body = {**self._body(new), "uid": uid}
        return self._state(self.client.call("PUT", f"/datasources/uid/{segment(uid)}", body)["datasource"], new)

    def delete(self, id_: str, state: Properties) -> None:
        """Remove the data source."""
        self.client.delete(f"/datasources/uid/{segment(key_of(id_))}")

    @staticmethod
    def _body(inputs: Properties) -> Properties:
        plain = json.loads(inputs.get("jsonDataEncoded") or "{}")
        secret = json.loads(inputs.get("secureJsonDataEncoded") or "{}")
        for number, (name, value) in enumerate(sorted((inputs.get("httpHeaders") or {}).items()), 1):
            plain[f"httpHeaderName{number}"] = name
            secret[f"httpHeaderValue{number}"] = value
        body = {api: inputs[name] for name, api in _PLAIN.items() if inputs.get(name) is not None}
        return {**body, "jsonData": plain, "secureJsonData": secret}

    @staticmethod
    def _state(found: Properties, state: Properties) -> Properties:
        current = {name: found.get(api) for name, api in _PLAIN.items()}
        plain = dict(found.get("jsonData") or {})
        names = {plain.pop(key) for key in list(plain) if key.startswith("httpHeaderName")}
        if state.get("httpHeaders"):
            current["httpHeaders"] = {key: value for key, value in state["httpHeaders"].items() if key in names}
        encoded = json.dumps(plain, separators=(",", ":"), sort_keys=True)
        current["jsonDataEncoded"] = encoded if plain or state.get("jsonDataEncoded") else None
        return {**current, "orgId": ORGANISATION}
