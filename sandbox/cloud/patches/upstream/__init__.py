"""Patches for what moto itself should do."""
