"""Runs the plugin; the engine starts it."""

from sandbox.plugins.server import serve
from sandbox.plugins.tls.provider import TlsProvider

serve(TlsProvider())
