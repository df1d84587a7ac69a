"""The settings `customMetrics` and `cloudwatchAccounts`: metrics in the local AWS are drawn on their own dashboard, and
those of another account's instance on "AWS EC2". Both in one file, to save an `up`."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.viewer.browser import Visit, look
from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries
from tests.live import other_account
from tests.live.environment import Environment

pytestmark = [pytest.mark.live, pytest.mark.changes]

SHOP = f"Shop/Live-{int(time.time())}"
"""A namespace for this run only: an environment that is kept still has the values of the last run."""
ORDERS = (3.0, 4.0, 5.0)
METRICS = [
    {"namespace": SHOP, "metric": "Orders", "statistic": "Sum", "title": "Orders", "unit": "suffix:orders"},
    {"namespace": SHOP, "metric": "Duration", "statistic": "p99", "unit": "ms", "dimensions": {"Service": "cart"}},
    {"namespace": SHOP, "metric": "Duration", "unit": "ms", "period": "1m", "dimensions": {"Service": "*"}},
    {"namespace": SHOP, "metric": "Duration", "statistic": "Maximum", "dimensions": {"Service": ["cart", "pay"]}},
]
DURATIONS = {"cart": (10.0, 20.0), "pay": (100.0, 300.0)}


@pytest.fixture(scope="module")
def shown(environment: Environment) -> Iterator[Environment]:
    """The environment with four custom metrics and another account, which are removed afterwards."""
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    moment = now - datetime.timedelta(minutes=3)  # all in one minute, so that sums and percentiles are predictable
    data: list[dict[str, Any]] = [{"MetricName": "Orders", "Timestamp": moment, "Value": value} for value in ORDERS]
    for service, values in DURATIONS.items():
        dimensions = [{"Name": "Service", "Value": service}]
        data += [
            {"MetricName": "Duration", "Timestamp": moment, "Value": value, "Dimensions": dimensions}
            for value in values
        ]
    environment.aws("cloudwatch").put_metric_data(Namespace=SHOP, MetricData=data)
    other_account.put_metrics(environment, other_account.cloudwatch_user(environment))
    with environment.settings(customMetrics=METRICS, cloudwatchAccounts=[other_account.SETTING]):
        environment.settle()
        yield environment

    def gone() -> None:
        environment.forget()
        assert "Custom metrics" not in environment.outputs["dashboardUrls"]
        assert environment.grafana.get("/api/dashboards/uid/custom-metrics").status_code == 404
        assert environment.grafana.get(f"/api/datasources/uid/{other_account.UID}").status_code == 404

    environment.afterwards(gone)


def queries(environment: Environment, period: str = "60") -> dict[str, PanelQuery]:
    """The panels' queries by title, from what Grafana stores."""
    stored = environment.grafana.get("/api/dashboards/uid/custom-metrics").json()["dashboard"]
    return {query.title: query for query in panel_queries(stored, {"period": period}, TimeRange.last(900))}


def test_the_address_of_the_dashboard_is_an_output(shown: Environment) -> None:
    assert shown.outputs["dashboardUrls"]["Custom metrics"].endswith("/d/custom-metrics")


def test_values_come_back_as_they_were_written(shown: Environment) -> None:
    asked = queries(shown)
    assert other_account.values(shown, asked["Orders"]) == {"Orders": [sum(ORDERS)]}
    assert other_account.values(shown, asked["Duration, p99 · cart"]) == {"Duration": [pytest.approx(19.9, abs=0.2)]}


def test_each_value_of_a_dimension_is_a_series(shown: Environment) -> None:
    asked = queries(shown)
    assert other_account.values(shown, asked["Duration, Average"]) == {"cart": [15.0], "pay": [200.0]}
    assert other_account.values(shown, asked["Duration, Maximum · cart, pay"]) == {"cart": [20.0], "pay": [300.0]}


def test_the_other_dashboards_link_to_it(shown: Environment) -> None:
    stored = shown.grafana.get("/api/dashboards/uid/aws-ec2").json()["dashboard"]
    assert "/d/custom-metrics" in {link["url"] for link in stored["links"]}


def test_the_dashboard_is_drawn(shown: Environment) -> None:
    (page,) = look(shown.place, [Visit("/d/custom-metrics?from=now-15m&to=now&var-period=60")])
    assert page.complaints == []
    assert [(panel.title, panel.state) for panel in page.panels] == [
        ("Orders", "drawn"),
        ("Duration, p99 · cart", "drawn"),
        ("Duration, Average", "drawn"),
        ("Duration, Maximum · cart, pay", "drawn"),
    ]
    assert all(panel.drawn > 0 for panel in page.panels)
    assert "12" in page.panel("Orders").text


def test_an_instance_of_another_account_is_on_the_ec2_dashboard(shown: Environment) -> None:
    """In that account's region, which is not the stack's."""
    found = other_account.cpu_use(shown, other_account.UID)
    assert {name: set(found[name]) for name in found} == {other_account.instance(shown): {other_account.CPU}}
    own = other_account.cpu_use(shown, "cloudwatch")
    assert other_account.instance(shown) not in own
    assert shown.instance_id in own


def test_instances_of_another_account_can_be_chosen_by_name(shown: Environment) -> None:
    asked = {"region": "default", "attributeName": "InstanceId", "filters": '{"tag:Name": ["shop-web"]}'}
    path = "/api/datasources/uid/{}/resources/ec2-instance-attribute?" + urlencode(asked)
    assert [one["value"] for one in shown.grafana.get(path.format(other_account.UID)).json()] == [
        other_account.instance(shown)
    ]
    assert shown.grafana.get(path.format("cloudwatch")).json() == []


def test_the_outputs_are_the_policies_that_the_role_needs(shown: Environment) -> None:
    output = shown.outputs["cloudwatchAccounts"]["shop"]
    assert output["role"] == other_account.ROLE
    other_account.write_role(shown, output["trustPolicy"], output["policy"])
    assert other_account.cpu_use(shown, other_account.UID)


def test_a_role_that_does_not_trust_grafana_is_refused(shown: Environment) -> None:
    """The request is that of the last check of `pulumi up`."""
    output = shown.outputs["cloudwatchAccounts"]["shop"]
    other_account.write_role(
        shown, output["trustPolicy"].replace(other_account.SETTING["externalId"], "another"), output["policy"]
    )
    refused = shown.grafana.get(other_account.gate_path())
    assert refused.status_code == 500
    assert "AccessDenied" in refused.text
    assert other_account.ROLE in refused.text
    other_account.write_role(shown, output["trustPolicy"], output["policy"])
    assert shown.grafana.get(other_account.gate_path()).status_code == 200


def test_a_repeated_preview_shows_no_changes(shown: Environment) -> None:
    assert shown.preview() == {}
