"""A local stand-in for Grafana: its HTTP API, command line and data sources, without its user interface.

Runs on the host's Python (tests) and on the guest's (Debian 13, from /usr/share/grafana), so every import
inside is relative, and only Flask, cheroot, urllib3, botocore and cryptography are used.
"""
