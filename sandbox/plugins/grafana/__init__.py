"""The stand-in for Pulumi's Grafana provider: folders, data sources, dashboards and alerting, over HTTP.

It works both with the local environment's Grafana and with a real one.
"""
