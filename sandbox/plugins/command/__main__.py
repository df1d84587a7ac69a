"""Runs the plugin; the engine starts it."""

from sandbox.plugins.base import serve
from sandbox.plugins.command.provider import CommandProvider

serve(CommandProvider())
