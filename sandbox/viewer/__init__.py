"""The local viewer shows the stack's dashboards in a browser, drawn with the components that Grafana publishes.

`app` is the page (TypeScript, React), `bundle` builds it once per machine, and `server` serves it and forwards its
requests to the stack's Grafana.
"""
