"""Alerting: contact points, mute timings, notification policies and rule groups, as in terraform-provider-grafana."""

from sandbox.plugins.grafana.alerting.contact_point import ContactPoint
from sandbox.plugins.grafana.alerting.mute_timing import MuteTiming
from sandbox.plugins.grafana.alerting.notifications import NotificationPolicy
from sandbox.plugins.grafana.alerting.rule_group import RuleGroup

RESOURCES = (ContactPoint, MuteTiming, NotificationPolicy, RuleGroup)
