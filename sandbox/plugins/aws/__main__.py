"""Runs the plugin; the engine starts it."""

from sandbox.plugins.aws.provider import AwsProvider
from sandbox.plugins.server import serve

serve(AwsProvider())
