"""Grafana's dashboards as code, one module each: data in, JSON out, no side effects.

`registry` lists them. `imported` has dashboards as files; `importing` writes those.
"""
