"""Settings, and answers of AWS, that several test files give the program."""

from __future__ import annotations

from typing import Any

AUTOMATION = "pulumi-x1y2z3x1y2z3x1y2z3xy"
"""The name that the mocks give Pulumi's user in Grafana."""

ELSEWHERE = {"url": "https://influx.example.com:9086", "username": "both", "password": "password-of-theirs"}
"""Another InfluxDB (`influxdb`)."""

POINTS = {
    "slack": "https://hooks.slack.com/services/x",
    "pagerduty": "k" * 32,
    "webhook": "https://hooks.example.org/x",
    "webhookToken": "a-token",
}
SMTP = {"host": "smtp.example.com", "user": "AKIA", "password": "password-of-smtp", "sender": "m@example.com"}

SUBNET = "subnet-0123456789abcdef0"
PRIVATE = {"publicAddress": False, "subnetId": SUBNET}
PRIVATE_ADDRESS = "10.0.0.7"

DOMAIN = "monitoring.example.com"
NAMED = {"domain": DOMAIN, "route53Zone": "example.com"}
ZONE: dict[str, Any] = {"zoneId": "Z0123", "name": "example.com", "privateZone": False}


def route_table(**default: str) -> dict[str, Any]:
    """A route table as the provider answers. default: the target of its default route, which it lacks without one."""
    empty = dict.fromkeys(("gatewayId", "natGatewayId", "transitGatewayId"), "")
    routes = [{**empty, "cidrBlock": "0.0.0.0/0", **default}] if default else []
    return {"id": "rtb-1", "vpcId": "vpc-1", "routes": routes}
