"""Alerting: contact points, notification policies, mute timings, message templates, rule groups.

Behave like the resources of terraform-provider-grafana.
"""

from sandbox.plugins.grafana.alerting.contact_point import ContactPoint
from sandbox.plugins.grafana.alerting.notifications import MessageTemplate, MuteTiming, NotificationPolicy
from sandbox.plugins.grafana.alerting.rule_group import RuleGroup

RESOURCES = (ContactPoint, MessageTemplate, MuteTiming, NotificationPolicy, RuleGroup)
