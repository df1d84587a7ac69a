"""Runs the plugin; the engine starts it."""

from sandbox.plugins.grafana.provider import GrafanaProvider
from sandbox.plugins.server import serve

serve(GrafanaProvider())
