"""Alert rules, contact points and notification policies."""

from __future__ import annotations

import json

import alerts
from tests.components.conftest import Run, run_program
from tests.components.examples import POINTS, SMTP


def test_every_rule_is_made_even_if_nobody_is_notified(prod: Run) -> None:
    groups = {group.inputs["name"]: group.inputs for group in prod.all("RuleGroup")}
    expected = alerts.build(alerts.Facts(region="eu-central-1", server="monitoring-prod"))
    assert set(groups) == {group.name for group in expected}
    assert {rule["uid"] for group in groups.values() for rule in group["rules"]} == {
        rule.uid for group in expected for rule in group.rules
    }
    assert {group["folderUid"] for group in groups.values()} == {"monitoring"}
    assert not prod.all("ContactPoint") and not prod.all("NotificationPolicy")


def test_a_rule_has_everything_that_grafana_needs(prod: Run) -> None:
    (group,) = [found.inputs for found in prod.all("RuleGroup") if found.inputs["name"] == "Monitoring server"]
    rule = next(found for found in group["rules"] if found["uid"] == "server-no-data")
    assert (rule["noDataState"], rule["execErrState"], rule["for"]) == ("Alerting", "Alerting", "2m")
    assert rule["labels"] == {"severity": "critical", "cause": "silence", "host": "monitoring-prod"}
    assert [data["refId"] for data in rule["datas"]][-1] == rule["condition"]
    assert json.loads(rule["datas"][1]["model"])["type"] == "reduce"
    assert group["intervalSeconds"] == 60
    (hosts,) = [found.inputs for found in prod.all("RuleGroup") if found.inputs["name"] == "Hosts"]
    silent = next(found for found in hosts["rules"] if found["uid"] == "host-silent")
    assert (silent["keepFiringFor"], silent["missingSeriesEvalsToResolve"]) == ("5m", 30 * 24 * 60)


def test_contact_points_are_secret_and_messages_are_grouped_by_host() -> None:
    run = run_program({"contactPoints": POINTS}, secret=("contactPoints",))
    (point,) = run.all("ContactPoint")
    assert {"slacks", "pagerduties", "webhooks"} <= point.secret
    assert point.inputs["slacks"] == [{"url": POINTS["slack"]}]
    assert point.inputs["pagerduties"] == [{"integrationKey": POINTS["pagerduty"]}]
    bearer = {"authorizationScheme": "Bearer", "authorizationCredentials": POINTS["webhookToken"]}
    assert point.inputs["webhooks"] == [{"url": POINTS["webhook"], **bearer}]
    policy = run.one("NotificationPolicy")
    assert policy["contactPoint"] == point.inputs["name"]
    assert policy["groupBies"] == ["alertname", "host"]
    assert (policy["groupWait"], policy["groupInterval"], policy["repeatInterval"]) == ("30s", "5m", "4h")


def test_each_severity_has_its_own_contact_point_and_repeat_interval() -> None:
    points = {
        "slack": POINTS["slack"],
        "critical": {"pagerduty": "k" * 32},
        "repeatCritical": "1h",
        "repeatWarning": "2d",
    }
    run = run_program({"contactPoints": points}, secret=("contactPoints",))
    made = {point.inputs["name"]: point for point in run.all("ContactPoint")}
    assert set(made) == {"Monitoring", "Monitoring critical"}
    assert "pagerduties" in made["Monitoring critical"].secret
    policy = run.one("NotificationPolicy")
    routes = {route["matchers"][0]["value"]: route for route in policy["policies"]}
    assert {name: (route["contactPoint"], route["repeatInterval"]) for name, route in routes.items()} == {
        "critical": ("Monitoring critical", "1h"),
        "warning": ("Monitoring", "2d"),
    }
    for name, route in routes.items():
        assert route["matchers"] == [{"label": "severity", "match": "=", "value": name}]
        assert route["groupBies"] == ["alertname", "host"]
        (together,) = route["policies"]
        assert (together["groupBies"], together["groupWait"]) == (["cause"], "90s")
        assert together["matchers"] == [{"label": "cause", "match": "=~", "value": ".+"}]
        assert together["contactPoint"] == route["contactPoint"]


def test_contact_points_for_both_severities_are_enough() -> None:
    points = {"critical": {"pagerduty": "k" * 32}, "warning": {"slack": POINTS["slack"]}}
    run = run_program({"contactPoints": points}, secret=("contactPoints",))
    kinds = {point.inputs["name"]: set(point.inputs) - {"name"} for point in run.all("ContactPoint")}
    assert kinds == {"Monitoring critical": {"pagerduties"}, "Monitoring warning": {"slacks"}}
    policy = run.one("NotificationPolicy")
    routes = {route["matchers"][0]["value"]: route["contactPoint"] for route in policy["policies"]}
    assert routes == {"critical": "Monitoring critical", "warning": "Monitoring warning"}
    # For alerts of neither severity.
    assert policy["contactPoint"] == "Monitoring warning"


def test_rules_have_the_configured_thresholds_and_region() -> None:
    thresholds = {"disk": 70, "interval": "30s"}
    run = run_program({"alertThresholds": thresholds, "cloudwatchRegion": "eu-west-1", "collectionInterval": "10m"})
    groups = {group.inputs["name"]: group.inputs for group in run.all("RuleGroup")}
    assert {group["intervalSeconds"] for group in groups.values()} == {30, 300}
    disk = next(rule for rule in groups["Hosts, slow signals"]["rules"] if rule["uid"] == "host-disk")
    assert json.loads(disk["datas"][-1]["model"])["conditions"][0]["evaluator"]["params"] == [70]
    assert json.loads(groups["EC2"]["rules"][0]["datas"][0]["model"])["region"] == "eu-west-1"
    silent = next(rule for rule in groups["Hosts"]["rules"] if rule["uid"] == "host-silent")
    # Three collection intervals.
    assert silent["annotations"]["summary"].endswith("has sent nothing for 1800 s")


def test_email_goes_through_the_mail_server_which_the_firewall_allows() -> None:
    settings = {"contactPoints": {"email": ["ops@example.com"]}, "smtp": SMTP}
    run = run_program(settings, secret=("contactPoints", "smtp"))
    assert run.one("ContactPoint")["emails"] == [{"addresses": ["ops@example.com"]}]
    assert 587 in {rule.inputs["fromPort"] for rule in run.all("SecurityGroupEgressRule")}
    assert "smtp.example.com:587" in run.one("Parameter", "grafana.ini")["insecureValue"]
    password = run.one("Parameter", "smtp-password")
    assert (password["type"], password["value"]) == ("SecureString", "password-of-smtp")
    assert not [r for r in run.resources if r.name != "smtp-password" and "password-of-smtp" in json.dumps(r.inputs)]


def test_mute_timings_apply_to_the_routes_of_their_severity_and_their_children() -> None:
    timings = [
        {"name": "night", "times": ["22:00-24:00", "00:00-06:00"], "location": "Europe/Berlin"},
        {"name": "works", "weekdays": ["sunday"], "severity": "both"},
    ]
    settings = {"contactPoints": {"slack": POINTS["slack"]}, "muteTimings": timings}
    run = run_program(settings, secret=("contactPoints",))
    made = {timing.inputs["name"]: timing.inputs["intervals"] for timing in run.all("MuteTiming")}
    assert made == {
        "night": [
            {
                "times": [{"start": "22:00", "end": "24:00"}, {"start": "00:00", "end": "06:00"}],
                "location": "Europe/Berlin",
            }
        ],
        "works": [{"weekdays": ["sunday"], "location": "UTC"}],
    }
    routes = run.one("NotificationPolicy")["policies"]
    assert len(routes) == 2
    for route in routes:
        expected = {"warning": ["night", "works"], "critical": ["works"]}[route["matchers"][0]["value"]]
        assert route["muteTimings"] == route["policies"][0]["muteTimings"] == expected


def test_alerts_link_to_the_configured_runbooks(prod: Run) -> None:
    page = "https://git.example.com/docs/runbooks.md"
    for run, expected in ((run_program({"runbooks": page}), f"{page}#host-silent"), (prod, None)):
        rules = [rule for group in run.all("RuleGroup") for rule in group.inputs["rules"]]
        (silent,) = [rule for rule in rules if rule["uid"] == "host-silent"]
        assert silent["annotations"].get("runbook_url") == expected
