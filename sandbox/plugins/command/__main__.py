"""Runs the plugin; the engine starts it."""

from sandbox.plugins.command.provider import CommandProvider
from sandbox.plugins.server import serve

serve(CommandProvider())
