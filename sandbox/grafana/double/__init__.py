"""A local stand-in for Grafana: its HTTP API, command line and data sources, without its user interface.

It runs with the host's Python (tests) and with the guest's (Debian 13, from /usr/share/grafana), so all imports inside
it are relative, and it uses only the packages of sandbox/grafana/requirements.in.
"""
