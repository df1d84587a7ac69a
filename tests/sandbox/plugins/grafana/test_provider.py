"""The provider's settings, and its errors if Grafana cannot be used."""

from __future__ import annotations

import inspect
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pulumi._types
import pulumiverse_grafana as sdk
import pytest
from pulumiverse_grafana.provider import ProviderArgs

from sandbox.plugins.base import UNKNOWN, ListOf, ObjectOf
from sandbox.plugins.grafana import client
from sandbox.plugins.grafana.provider import GrafanaProvider
from sandbox.plugins.schema import Input
from tests.sandbox.grafana.support import Grafana
from tests.sandbox.plugins.conftest import Plugin
from tests.support.serving import serving

FOLDER = "grafana:oss/folder:Folder"
ARGUMENTS = {
    "grafana:oss/folder:Folder": sdk.oss.folder.FolderArgs,
    "grafana:oss/dashboard:Dashboard": sdk.oss.dashboard.DashboardArgs,
    "grafana:oss/dataSource:DataSource": sdk.oss.data_source.DataSourceArgs,
    "grafana:alerting/contactPoint:ContactPoint": sdk.alerting.contact_point.ContactPointArgs,
    "grafana:alerting/notificationPolicy:NotificationPolicy": (sdk.alerting.notification_policy.NotificationPolicyArgs),
    "grafana:alerting/muteTiming:MuteTiming": sdk.alerting.mute_timing.MuteTimingArgs,
    "grafana:alerting/ruleGroup:RuleGroup": sdk.alerting.rule_group.RuleGroupArgs,
}


def argument_names(kind: Any) -> dict[str, str]:
    return dict(pulumi._types.input_type_py_to_pulumi_names(kind))


def nested(kind: Any, name: str) -> Any:
    """The SDK's class for a nested object, None for plain values."""
    text = str(pulumi._types.input_type_types(kind)[name])
    found = [part for part in text.replace("[", " ").replace("]", " ").replace(",", " ").split() if "Args" in part]
    return getattr(sdk.alerting, found[0].rsplit(".", 1)[-1].rstrip("'>")) if found else None


def compare(declared: dict[str, Input], kind: Any, path: str) -> None:
    """Assert that everything declared is an input of the real resource, and required if the real one requires it."""
    names = {pulumi_name: name for name, pulumi_name in argument_names(kind).items()}
    parameters = inspect.signature(kind.__init__).parameters
    for pulumi_name, declaration in declared.items():
        assert pulumi_name in names, f"{path}.{pulumi_name} is no input of the real resource"
        required = parameters[names[pulumi_name]].default is inspect.Parameter.empty
        assert declaration.required == required, f"{path}.{pulumi_name} is required: {required}"
        item = declaration.kind.item if isinstance(declaration.kind, ListOf) else declaration.kind
        if isinstance(item, ObjectOf) and (inner := nested(kind, pulumi_name)):
            compare(dict(item.fields), inner, f"{path}.{pulumi_name}")


@pytest.mark.parametrize("resource", GrafanaProvider.resources, ids=lambda kind: kind.token)
def test_inputs_exist_in_the_sdk(resource: Any) -> None:
    compare(dict(resource.inputs), ARGUMENTS[resource.token], resource.token)


@pytest.mark.parametrize("token", [token for token in ARGUMENTS if "oss" in token or "Group" in token])
def test_no_input_of_the_sdk_is_missing(token: str) -> None:
    resource = next(kind for kind in GrafanaProvider.resources if kind.token == token)
    assert set(argument_names(ARGUMENTS[token]).values()) == set(resource.inputs)


def test_settings_exist_in_the_sdk() -> None:
    assert set(GrafanaProvider.config) <= set(argument_names(ProviderArgs).values())


def test_the_version_is_that_of_the_sdk(plugin: Plugin) -> None:
    assert GrafanaProvider().version == "2.44.0"


def test_invalid_settings_are_refused(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRAFANA_URL", "GRAFANA_AUTH"):
        monkeypatch.delenv(name, raising=False)
    assert set(plugin.check_config()) == {"url", "auth"}
    assert "http://" in plugin.check_config(url="grafana:3000", auth="a:b")["url"]
    assert "nonsense" in plugin.check_config(url="http://x", auth="a:b", nonsense="1")
    monkeypatch.setenv("GRAFANA_URL", "https://grafana")
    monkeypatch.setenv("GRAFANA_AUTH", "admin:password")
    assert plugin.check_config() == {}


def test_a_preview_needs_no_server(plugin: Plugin) -> None:
    assert plugin.check_config(url=UNKNOWN, auth=UNKNOWN, caCert=UNKNOWN) == {}
    plugin.configure(url=UNKNOWN, auth=UNKNOWN, caCert=UNKNOWN)
    inputs, failures = plugin.check(FOLDER, {"title": "Monitoring", "uid": "monitoring"})
    assert not failures
    _, planned = plugin.create(FOLDER, inputs, preview=True)
    assert planned["uid"] == "monitoring"
    assert planned["url"] is UNKNOWN


def failure(plugin: Plugin, **settings: Any) -> str:
    plugin.configure(retries="0", **settings)
    inputs, _ = plugin.check(FOLDER, {"title": "Monitoring"})
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(FOLDER, inputs)
    message = str(caught.value.details())
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def test_errors_are_reported_in_one_line(
    serve: Callable[[GrafanaProvider], Plugin], grafana: Grafana, tmp_path: Any
) -> None:
    good = {"url": grafana.url, "auth": f"{grafana.user}:{grafana.password}", "caCert": str(grafana.ca)}

    def ask(**changes: Any) -> str:
        return failure(serve(GrafanaProvider()), **{**good, **changes})

    assert "connection refused" in ask(url="https://127.0.0.1:1")
    assert "certificate is not trusted" in ask(caCert="")
    assert "Invalid username or password" in ask(auth="admin:wrong secret")
    assert "wrong secret" not in ask(auth="admin:wrong secret")
    assert "Invalid API key" in ask(auth="glsa_token")
    assert "cannot read the certificate file" in ask(caCert=str(tmp_path / "none.pem"))
    assert "PEM" in ask(caCert="-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----")
    assert "meant to be https://" in ask(url=grafana.url.replace("https:", "http:"))


def test_verification_of_the_certificate_can_be_disabled(plugin: Plugin, grafana: Grafana) -> None:
    auth = f"{grafana.user}:{grafana.password}"
    plugin.configure(url=grafana.url, auth=auth, insecureSkipVerify="true")
    inputs, _ = plugin.check(FOLDER, {"title": "Unverified"})
    id_, state = plugin.create(FOLDER, inputs)
    plugin.delete(FOLDER, id_, state)


@pytest.mark.parametrize(
    ("status", "setting", "calls"),
    [
        (401, None, 3),
        (412, None, 3),
        (429, None, 3),
        (503, None, 3),
        (409, None, 1),
        (404, None, 1),
        (401, ["5xx"], 1),
        (404, ["40x"], 3),
    ],
)
def test_statuses_that_are_retried(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, status: int, setting: list[str] | None, calls: int
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with refusing(status) as (url, asked):
        plugin.configure(url=url, auth="a:b", retries="2", retryStatusCodes=setting)
        inputs, _ = plugin.check(FOLDER, {"title": "Monitoring"})
        with pytest.raises(grpc.RpcError):
            plugin.create(FOLDER, inputs)
        assert len(asked) == calls


def test_a_login_is_sent_in_utf_8(plugin: Plugin) -> None:
    """Like Go's SetBasicAuth, which uses the bytes of its strings."""
    with refusing(403) as (url, asked):
        plugin.configure(url=url, auth="admin:Käse€")
        inputs, _ = plugin.check(FOLDER, {"title": "Monitoring"})
        with pytest.raises(grpc.RpcError):
            plugin.create(FOLDER, inputs)
    assert b64decode(asked[0].removeprefix("Basic ")).decode() == "admin:Käse€"


@contextmanager
def refusing(status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request with `status`: its URL, and the login of each request."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"message": "no"}')

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", asked
