"""Runs the plugin; the engine starts it."""

from sandbox.plugins.base import serve
from sandbox.plugins.random.provider import RandomProvider

serve(RandomProvider())
