"""Patches that only this environment needs."""
