"""The package server: signed apt repositories with the packages that user data and agents install.

It has three archives at http://packages.sandbox.internal: `/grafana` (the stand-in, packaged like the real one),
`/influxdata` (real builds of InfluxDB and Telegraf with the real packaging) and `/debian` (what those packages and the
installers need from Debian). `ensure_packages` builds everything once per machine; the daemon
(`python -m sandbox.repository`) serves a place's own copy.
"""

from sandbox.repository.packages import ensure_packages, facts

__all__ = ["ensure_packages", "facts"]
