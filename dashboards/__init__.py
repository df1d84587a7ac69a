"""Grafana's dashboards as code, one module each: data in, JSON out, nothing else touched.

`registry` lists them. `imported` holds dashboards as files; `importing` makes them.
"""
