"""Runs the plugin; the engine starts it."""

from sandbox.plugins.aws.provider import AwsProvider
from sandbox.plugins.base import serve

serve(AwsProvider())
