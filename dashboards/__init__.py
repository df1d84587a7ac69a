"""Grafana's dashboards as code, one module each: data in, JSON out, nothing else touched.

Each module in `ALL` has `UID`, `TITLE` and `build(...) -> str`; every stack has them. `custom_metrics` is there when
the setting of that name is. `imported` holds dashboards as files; `importing` makes them.
"""

from dashboards import aws_ec2, custom_metrics, linux_hosts, monitoring_server

ALL = (linux_hosts, aws_ec2, monitoring_server)

__all__ = ["ALL", "aws_ec2", "custom_metrics", "linux_hosts", "monitoring_server"]
