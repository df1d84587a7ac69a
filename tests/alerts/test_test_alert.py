"""tools/test_alert.py against the Grafana double, with a webhook that receives messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.alerts.conftest import LOGIN, Double
from tests.alerts.test_notifications import API, Receiver, receiver
from tools.test_alert import ALERT, Sent, send, without_addresses
from tools.waiting import Answer

__all__ = ["receiver"]
OLD = "/api/alertmanager/grafana/config/api/v1/receivers/test"


class Asked:
    """Grafana, called without a network."""

    def __init__(self, double: Double) -> None:
        self._double = double

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        answer = self._double.app.test_client().open(path, method=method, json=body, auth=LOGIN)
        return Answer(answer.status_code, answer.get_json(silent=True))


def test_each_integration_is_tried_and_its_result_reported(bare: Double, receiver: Receiver) -> None:
    secret = {"url": receiver.url, "authorization_scheme": "Bearer", "authorization_credentials": "geheim"}
    for kind, settings in (
        ("webhook", secret),
        ("slack", {"url": "http://127.0.0.1:1/geheim"}),
        ("email", {"addresses": "ops@example.org"}),
    ):
        bare.call("POST", f"{API}/contact-points", {"name": "Monitoring", "type": kind, "settings": settings}, 202)
    found = {each.way: each for each in send(Asked(bare))}  # type: ignore[arg-type]
    assert found["webhook"] == Sent("Monitoring", "webhook", "")
    assert found["slack"].error and found["email"].error.startswith("SMTP not configured")
    assert set(found) == {"webhook", "slack", "email"}  # but not Grafana's example
    assert [message["alerts"][0]["labels"] for message in receiver.received] == [ALERT["labels"]]
    assert receiver.authorizations == ["Bearer geheim"]
    assert "geheim" not in "".join(map(str, found.values()))


def test_a_webhook_that_refuses_is_a_failure(bare: Double, receiver: Receiver) -> None:
    receiver.status = 403
    point = {"name": "Night", "type": "webhook", "settings": {"url": receiver.url}}
    bare.call("POST", f"{API}/contact-points", point, 202)
    (sent,) = send(Asked(bare))  # type: ignore[arg-type]
    assert "403" in sent.error and str(sent).startswith("Night: webhook: FAILED")


def test_the_address_is_removed_from_grafana_s_message() -> None:
    said = 'failed to send: Post "https://hooks.example.com/geheim?x=1": dial tcp: i/o timeout'
    assert without_addresses(said) == 'failed to send: Post "(its address)": dial tcp: i/o timeout'


@pytest.mark.parametrize(
    "changes",
    [{"type": ""}, {"uid": "none", "secureFields": {"url": True}}, {"settings": {}}],
    ids=["no type", "an unknown secret", "no settings"],
)
def test_tests_that_grafana_refuses(bare: Double, changes: dict[str, Any]) -> None:
    point = {"name": "P", "type": "webhook", "settings": {"url": "https://example.org"}}
    bare.call("POST", f"{API}/contact-points", point, 202)
    address = "/apis/notifications.alerting.grafana.app/v1beta1/namespaces/default/receivers"
    items = bare.call("GET", address)["items"]
    (item,) = [each for each in items if each["spec"]["title"] == "P"]
    body = {"integration": {**item["spec"]["integrations"][0], **changes}, "alert": ALERT}
    bare.call("POST", f"{address}/{item['metadata']['name']}/test", body, 400)
    bare.call("POST", f"{address}/bm9uZQ/test", body, 404)
    bare.call("POST", OLD, body, 410)
