"""Runs the plugin; the engine starts it."""

from sandbox.plugins.base import serve
from sandbox.plugins.grafana.provider import GrafanaProvider

serve(GrafanaProvider())
