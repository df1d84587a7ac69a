"""What looking at the dashboards costs InfluxDB, compared with dashboards that people import."""
