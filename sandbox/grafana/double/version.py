"""The Grafana release whose API this double answers like."""

VERSION = "13.2.3"
"""Published release, in step with npm's @grafana/ui of the same number."""

COMMIT = "local-stand-in"
"""Real Grafana reports its git commit here; the double says what it is."""
