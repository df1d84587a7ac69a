"""The local viewer: the stack's dashboards in a browser, drawn with the components Grafana publishes.

`app` is the page (TypeScript, React); `bundle` builds it once per machine; `server` serves it and asks the
stack's Grafana on the page's behalf.
"""
