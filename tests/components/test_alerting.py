"""Alert rules and contact points as the program asks the provider for them."""

from __future__ import annotations

import json

import alerts
from tests.components.conftest import Run, run_program

POINTS = {
    "slack": "https://hooks.slack.com/services/x",
    "pagerduty": "k" * 32,
    "webhook": "https://hooks.example.org/x",
    "webhookToken": "a-token",
}


def test_every_rule_is_made_even_when_nobody_is_reported(prod: Run) -> None:
    groups = {group.inputs["name"]: group.inputs for group in prod.all("RuleGroup")}
    expected = alerts.build(alerts.Facts(region="eu-central-1", server="monitoring-prod"))
    assert set(groups) == {group.name for group in expected}
    assert {rule["uid"] for group in groups.values() for rule in group["rules"]} == {
        rule.uid for group in expected for rule in group.rules
    }
    assert {group["folderUid"] for group in groups.values()} == {"monitoring"}
    assert not prod.all("ContactPoint") and not prod.all("NotificationPolicy")


def test_a_rule_says_everything_grafana_needs(prod: Run) -> None:
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


def test_contact_points_are_secrets_and_messages_are_grouped_by_host() -> None:
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


def test_each_severity_has_its_contact_point_and_patience() -> None:
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
        (together,) = route["policies"]
        assert together["groupBies"] == ["cause"]
        assert together["matchers"] == [{"label": "cause", "match": "=~", "value": ".+"}]
        assert together["contactPoint"] == route["contactPoint"]


def test_with_ways_for_both_severities_there_need_be_no_others() -> None:
    points = {"critical": {"pagerduty": "k" * 32}, "warning": {"slack": POINTS["slack"]}}
    run = run_program({"contactPoints": points}, secret=("contactPoints",))
    kinds = {point.inputs["name"]: set(point.inputs) - {"name"} for point in run.all("ContactPoint")}
    assert kinds == {"Monitoring critical": {"pagerduties"}, "Monitoring warning": {"slacks"}}
    policy = run.one("NotificationPolicy")
    routes = {route["matchers"][0]["value"]: route["contactPoint"] for route in policy["policies"]}
    assert routes == {"critical": "Monitoring critical", "warning": "Monitoring warning"}
    assert policy["contactPoint"] == "Monitoring warning", "of what has neither severity"


def test_thresholds_and_the_region_reach_the_rules() -> None:
    thresholds = {"disk": 70, "interval": "30s"}
    run = run_program({"alertThresholds": thresholds, "cloudwatchRegion": "eu-west-1", "collectionInterval": "10m"})
    groups = {group.inputs["name"]: group.inputs for group in run.all("RuleGroup")}
    assert {group["intervalSeconds"] for group in groups.values()} == {30, 300}
    disk = next(rule for rule in groups["Hosts, slow signals"]["rules"] if rule["uid"] == "host-disk")
    assert json.loads(disk["datas"][-1]["model"])["conditions"][0]["evaluator"]["params"] == [70]
    assert json.loads(groups["EC2"]["rules"][0]["datas"][0]["model"])["region"] == "eu-west-1"
    silent = next(rule for rule in groups["Hosts"]["rules"] if rule["uid"] == "host-silent")
    assert silent["annotations"]["summary"].endswith("has sent nothing for 1800 s"), "three intervals"


def test_email_goes_through_the_mail_server_and_the_firewall_lets_it() -> None:
    smtp = {"host": "smtp.example.com", "user": "AKIA", "password": "password-of-smtp", "sender": "m@example.com"}
    settings = {"contactPoints": {"email": ["ops@example.com"]}, "smtp": smtp}
    run = run_program(settings, secret=("contactPoints", "smtp"))
    assert run.one("ContactPoint")["emails"] == [{"addresses": ["ops@example.com"]}]
    assert 587 in {rule.inputs["fromPort"] for rule in run.all("SecurityGroupEgressRule")}
    assert "smtp.example.com:587" in run.one("Parameter", "grafana.ini")["insecureValue"]
    password = run.one("Parameter", "smtp-password")
    assert (password["type"], password["value"]) == ("SecureString", "password-of-smtp")
    assert not [r for r in run.resources if r.name != "smtp-password" and "password-of-smtp" in json.dumps(r.inputs)]


def test_mute_timings_reach_the_routes_of_their_severity_and_what_is_below() -> None:
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
    for route in run.one("NotificationPolicy")["policies"]:
        expected = {"warning": ["night", "works"], "critical": ["works"]}[route["matchers"][0]["value"]]
        assert route["muteTimings"] == route["policies"][0]["muteTimings"] == expected


def test_alerts_link_to_their_runbook_where_it_can_be_read(prod: Run) -> None:
    page = "https://git.example.com/docs/runbooks.md"
    for run, expected in ((run_program({"runbooks": page}), f"{page}#host-silent"), (prod, None)):
        rules = [rule for group in run.all("RuleGroup") for rule in group.inputs["rules"]]
        (silent,) = [rule for rule in rules if rule["uid"] == "host-silent"]
        assert silent["annotations"].get("runbook_url") == expected
