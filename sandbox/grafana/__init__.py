"""The Grafana HTTP API double and its Debian package (see `package`)."""
