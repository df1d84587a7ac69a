"""Grafana's alerting: the rules, who receives alerts, and how they are grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumiverse_grafana import alerting
from pydantic import SecretStr

import alerts
from alerts.watchdog import HEARTBEAT
from program.naming import machine
from settings import ContactPoints, DeadMansSwitch, Settings
from settings.alerting import Ways
from settings.mute_timings import MuteTiming
from settings.values import seconds

CONTACT_POINT = "Monitoring"
EARLY = 30
"""Seconds by which the heartbeat's repeat interval is shorter than its group interval."""
BY_HOST = ["alertname", "host"]


class Alerting(pulumi.ComponentResource):
    """The rules of `alerts`, in rule groups; if the settings have contact points, also these (one for everything, and
    one for each severity with its own recipients) and the notification policy that sends to them. With a heartbeat,
    also a rule that always fires, and its contact point.

    Without contact points, rules are still evaluated and shown, and Grafana's notification policy is left alone.
    Grafana has only one policy: with contact points, this program owns it.

    folder: uid of the rules' folder. child: options for resources in Grafana (provider, dependencies, what they are
    deleted with).
    """

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        folder: pulumi.Input[str],
        child: pulumi.ResourceOptions,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Alerting", name, None, opts)
        self._child = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(parent=self))
        switch, self._runbooks = settings.dead_mans_switch, settings.runbooks or ""
        for group in alerts.build(facts_of(settings)):
            self._group(group, folder)
        if settings.contact_points:
            self._notify(settings.contact_points, switch, self._muted(settings.mute_timings))
        self.register_outputs({})

    def _group(self, group: alerts.Group, folder: pulumi.Input[str]) -> None:
        alerting.RuleGroup(
            f"alerts-{group.name.lower().replace(' ', '-')}",
            name=group.name,
            folder_uid=folder,
            interval_seconds=group.interval,
            rules=[_rule(rule, group.interval, self._runbooks) for rule in group.rules],
            opts=self._child,
        )

    def _muted(self, timings: Sequence[MuteTiming]) -> dict[str, list[pulumi.Output[str]]]:
        """The names of mute timings, by the severity that they apply to."""
        muted: dict[str, list[pulumi.Output[str]]] = {"critical": [], "warning": []}
        for timing in timings:
            spans = [
                alerting.MuteTimingIntervalTimeArgs(start=s, end=e) for s, e in (t.split("-") for t in timing.times)
            ]
            interval = alerting.MuteTimingIntervalArgs(
                weekdays=list(timing.weekdays) or None, times=spans or None, location=timing.location
            )
            name = alerting.MuteTiming(
                f"mute-{timing.name}", name=timing.name, intervals=[interval], opts=self._child
            ).name
            for severity, names in muted.items():
                if timing.severity in (severity, "both"):
                    names.append(name)
        return muted

    def _notify(
        self, points: ContactPoints, switch: DeadMansSwitch | None, muted: Mapping[str, list[pulumi.Output[str]]]
    ) -> None:
        usual = self._contact("alerts", CONTACT_POINT, points) if points.any else None
        own = {
            severity: self._contact(f"alerts-{severity}", f"{CONTACT_POINT} {severity}", ways)
            for severity, ways in (("critical", points.critical), ("warning", points.warning))
            if ways
        }
        heartbeat = [self._heartbeat(switch.heartbeat, switch.heartbeat_every)] if switch and switch.heartbeat else []
        routes = {"critical": points.repeat_critical, "warning": points.repeat_warning}
        alerting.NotificationPolicy(
            "alerts",
            contact_point=usual or own["warning"],
            # One message per rule and host: full disks on two hosts can be two people's problems.
            group_bies=BY_HOST,
            # Long enough for all file systems of a host to be in one message.
            group_wait="30s",
            group_interval="5m",
            repeat_interval=points.repeat_critical,
            policies=[
                *heartbeat,
                *(_route(each, own.get(each) or usual, repeat, muted[each]) for each, repeat in routes.items()),
            ],
            opts=self._child,
        )

    def _heartbeat(self, address: SecretStr, every: str) -> alerting.NotificationPolicyPolicyArgs:
        """The route of the alert that always fires: only to its own address, at its own interval.

        The Alertmanager checks a group once per interval, and repeats what it sent longer ago than the repeat
        interval: if both were equal, every other message would be skipped (notify/notify.go, DedupStage)."""
        point = alerting.ContactPoint(
            "alerts-heartbeat",
            name=f"{CONTACT_POINT} heartbeat",
            webhooks=[alerting.ContactPointWebhookArgs(url=_secret(address), disable_resolve_message=True)],
            opts=self._child,
        )
        return alerting.NotificationPolicyPolicyArgs(
            contact_point=point.name,
            group_bies=["alertname"],
            matchers=[alerting.NotificationPolicyPolicyMatcherArgs(label=HEARTBEAT, match="=", value="true")],
            group_wait="1s",
            group_interval=every,
            repeat_interval=f"{round(seconds(every)) - EARLY}s",
        )

    def _contact(self, resource: str, name: str, ways: Ways) -> pulumi.Output[str]:
        """A contact point with every integration that is set. Returns its name."""
        return alerting.ContactPoint(
            resource,
            name=name,
            emails=[alerting.ContactPointEmailArgs(addresses=list(ways.email))] if ways.email else None,
            slacks=[alerting.ContactPointSlackArgs(url=_secret(ways.slack))] if ways.slack else None,
            pagerduties=[alerting.ContactPointPagerdutyArgs(integration_key=_secret(ways.pagerduty))]
            if ways.pagerduty
            else None,
            webhooks=[_webhook(ways.webhook, ways.webhook_token)] if ways.webhook else None,
            opts=self._child,
        ).name


def facts_of(settings: Settings) -> alerts.Facts:
    """What the rules of a stack depend on."""
    switch = settings.dead_mans_switch
    return alerts.Facts(
        region=settings.shown_region,
        server=machine(),
        thresholds=settings.alert_thresholds,
        collection_interval=settings.collection_interval,
        own_influxdb=settings.shows_own,
        heartbeat=switch is not None and switch.heartbeat is not None,
        public_certificate=settings.public_certificate is not None,
    )


def _route(
    severity: str, contact: pulumi.Output[str] | None, repeat: str, muted: list[pulumi.Output[str]]
) -> alerting.NotificationPolicyPolicyArgs:
    """The route of a severity: its contact point and timings.

    Alerts with one cause are one message: hosts that fall silent together, "Many hosts silent", and "No measurements
    arrive", which is pending a minute longer. Mute timings are not inherited (prometheus/alertmanager,
    dispatch/route.go)."""
    return alerting.NotificationPolicyPolicyArgs(
        contact_point=contact,
        group_bies=BY_HOST,
        matchers=[alerting.NotificationPolicyPolicyMatcherArgs(label="severity", match="=", value=severity)],
        repeat_interval=repeat,
        mute_timings=muted or None,
        policies=[
            alerting.NotificationPolicyPolicyPolicyArgs(
                contact_point=contact,
                group_bies=["cause"],
                group_wait="90s",
                mute_timings=muted or None,
                matchers=[alerting.NotificationPolicyPolicyPolicyMatcherArgs(label="cause", match="=~", value=".+")],
            )
        ],
    )


def _secret(value: SecretStr) -> pulumi.Output[str]:
    """A secret setting as a secret output."""
    return pulumi.Output.secret(value.get_secret_value())


def _webhook(url: SecretStr, token: SecretStr | None) -> alerting.ContactPointWebhookArgs:
    if token is None:
        return alerting.ContactPointWebhookArgs(url=_secret(url))
    return alerting.ContactPointWebhookArgs(
        url=_secret(url), authorization_scheme="Bearer", authorization_credentials=_secret(token)
    )


def _rule(rule: alerts.Rule, interval: int, runbooks: str) -> alerting.RuleGroupRuleArgs:
    return alerting.RuleGroupRuleArgs(
        uid=rule.uid,
        name=rule.title,
        condition=rule.condition,
        datas=[
            alerting.RuleGroupRuleDataArgs(
                ref_id=step.ref_id,
                datasource_uid=step.datasource_uid,
                model=step.model_json,
                relative_time_range=alerting.RuleGroupRuleDataRelativeTimeRangeArgs(from_=step.span, to=0),
            )
            for step in rule.steps
        ],
        for_=rule.pending,
        keep_firing_for=rule.keep_firing,
        missing_series_evals_to_resolve=rule.missing_evaluations(interval),
        no_data_state=rule.no_data,
        exec_err_state=rule.on_error,
        annotations=rule.annotations_with(runbooks),
        labels=rule.all_labels,
    )
