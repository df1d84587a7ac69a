"""The Grafana release whose API this double implements."""

VERSION = "13.2.3"
"""A published release, with the same number as npm's @grafana/ui."""

COMMIT = "local-stand-in"
"""Real Grafana reports its git commit here; the double reports what it is."""
