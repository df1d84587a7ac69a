"""Runs the plugin; the engine starts it."""

from sandbox.plugins.random.provider import RandomProvider
from sandbox.plugins.server import serve

serve(RandomProvider())
