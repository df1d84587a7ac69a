"""The package server: a signed apt repository with the packages user data and agents install.

Three archives below http://packages.sandbox.internal: `/grafana` (the stand-in, packaged like the
real one), `/influxdata` (real builds of InfluxDB and Telegraf with the real packaging) and `/debian` (what
those and the installers need from Debian). Everything is built once per machine by `ensure_packages`; the
daemon (`python -m sandbox.repository`) serves a place's own copy.
"""

from sandbox.repository.packages import ensure_packages, facts

__all__ = ["ensure_packages", "facts"]
