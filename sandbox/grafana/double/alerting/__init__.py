"""Alerting's provisioning API: what is stored and what is refused. Rules are not evaluated here.

https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/
"""
