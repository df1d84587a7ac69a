"""Alerting: the provisioning API, the evaluation of rules, and notifications.

https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/
"""
