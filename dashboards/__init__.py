"""Grafana's dashboards as code, one module each: data in, JSON out, nothing else touched.

Each module in `ALL` has `UID`, `TITLE` and `build(...) -> str`.
"""

from dashboards import aws_ec2, linux_hosts, monitoring_server

ALL = (linux_hosts, aws_ec2, monitoring_server)

__all__ = ["ALL", "aws_ec2", "linux_hosts", "monitoring_server"]
