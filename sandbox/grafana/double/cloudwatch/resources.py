"""Lists for CloudWatch's dashboard variables and query editor.

The formats are Grafana's: old resources are [{"text", "value", "label"}], newer ones [{"value": …}].
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..datasources import DataSource
from ..errors import QueryError
from .session import Session

Arguments = Mapping[str, str]


def answer(source: DataSource, path: str, arguments: Arguments) -> Any:
    """The list at `path`; 404 for a path that this stand-in does not have."""
    handler = _HANDLERS.get(path)
    if handler is None:
        raise QueryError(f"404 page not found: {path}", 404, "plugin")
    return handler(Session(source, arguments.get("region", "default")), arguments)


def _regions(session: Session, arguments: Arguments) -> Any:
    del arguments
    answer = session.call("ec2", "describe_regions", "error getting regions")
    names = sorted(region["RegionName"] for region in answer["Regions"])
    return [{"text": name, "value": name, "label": name} for name in names]


def _metrics_of(session: Session, arguments: Arguments) -> list[Any]:
    filters: dict[str, Any] = {}
    if arguments.get("namespace"):
        filters["Namespace"] = arguments["namespace"]
    if arguments.get("metricName"):
        filters["MetricName"] = arguments["metricName"]
    wanted = _json(arguments, "dimensionFilters")
    dimensions = []
    for name, values in wanted.items():
        given = [values] if isinstance(values, str) else values
        dimensions += [{"Name": name, **({} if value == "*" else {"Value": value})} for value in given[:1]]
    if arguments.get("dimensionKey") and arguments["dimensionKey"] not in wanted:
        dimensions.append({"Name": arguments["dimensionKey"]})
    if dimensions:
        filters["Dimensions"] = dimensions
    return session.pages("cloudwatch", "list_metrics", "error getting metrics", "Metrics", **filters)


def _values(found: set[str]) -> Any:
    return [{"value": value} for value in sorted(found)]


def _namespaces(session: Session, arguments: Arguments) -> Any:
    del arguments
    return _values({metric["Namespace"] for metric in _metrics_of(session, {})})


def _metrics(session: Session, arguments: Arguments) -> Any:
    found = {(metric["Namespace"], metric["MetricName"]) for metric in _metrics_of(session, arguments)}
    return [{"value": {"name": name, "namespace": namespace}} for namespace, name in sorted(found)]


def _dimension_keys(session: Session, arguments: Arguments) -> Any:
    return _values({item["Name"] for metric in _metrics_of(session, arguments) for item in metric["Dimensions"]})


def _dimension_values(session: Session, arguments: Arguments) -> Any:
    key = arguments.get("dimensionKey")
    if not key:
        raise QueryError("error in DimensionValuesHandler: dimensionKey is required", 400, "plugin")
    metrics = _metrics_of(session, arguments)
    return _values({item["Value"] for metric in metrics for item in metric["Dimensions"] if item["Name"] == key})


def _instance_attribute(session: Session, arguments: Arguments) -> Any:
    path = arguments.get("attributeName", "")
    filters = [
        {"Name": name, "Values": [values] if isinstance(values, str) else values}
        for name, values in _json(arguments, "filters").items()
    ]
    reservations = session.pages(
        "ec2", "describe_instances", "failed to call ec2:DescribeInstances", "Reservations", Filters=filters
    )
    found = {
        value
        for reservation in reservations
        for instance in reservation["Instances"]
        if (value := _attribute(instance, path)) is not None
    }
    return [{"text": value, "value": value, "label": value} for value in sorted(found)]


def _attribute(instance: Mapping[str, Any], path: str) -> str | None:
    """An instance's attribute, such as `InstanceId`, `State.Name` or `Tags.Name`, or None; QueryError for an invalid
    path."""
    if path.startswith("Tags."):
        wanted = path.removeprefix("Tags.")
        return next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == wanted), None)
    value: Any = instance
    for part in path.split("."):
        if not isinstance(value, dict):
            raise QueryError(f"invalid attribute path: {path}", 400, "plugin")
        value = value.get(part)
        if value is None:
            return None
    if isinstance(value, dict | list):
        raise QueryError(f"invalid attribute path: {path} is not a single value", 400, "plugin")
    return str(value)


def _volumes(session: Session, arguments: Arguments) -> Any:
    wanted = [item for item in arguments.get("instanceId", "").strip("{}").split(",") if item]
    reservations = session.pages(
        "ec2",
        "describe_instances",
        "failed to call ec2:DescribeInstances",
        "Reservations",
        InstanceIds=wanted,
    )
    found = [
        mapping["Ebs"]["VolumeId"]
        for reservation in reservations
        for instance in reservation["Instances"]
        for mapping in instance.get("BlockDeviceMappings", [])
    ]
    return [{"text": value, "value": value, "label": value} for value in found]


def _arns(session: Session, arguments: Arguments) -> Any:
    filters = [
        {"Key": key, "Values": [values] if isinstance(values, str) else values}
        for key, values in _json(arguments, "tags").items()
    ]
    found = session.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "failed to call tag:GetResources",
        "ResourceTagMappingList",
        ResourceTypeFilters=[arguments.get("resourceType", "")],
        TagFilters=filters,
    )
    return [{"text": item["ResourceARN"], "value": item["ResourceARN"], "label": item["ResourceARN"]} for item in found]


def _json(arguments: Arguments, key: str) -> dict[str, Any]:
    try:
        value = json.loads(arguments.get(key) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise QueryError(f"error unmarshaling {key}: a JSON object is expected", 400, "plugin")
    return value


_HANDLERS: dict[str, Callable[[Session, Arguments], Any]] = {
    "regions": _regions,
    "namespaces": _namespaces,
    "metrics": _metrics,
    "dimension-keys": _dimension_keys,
    "dimension-values": _dimension_values,
    "ec2-instance-attribute": _instance_attribute,
    "ebs-volume-ids": _volumes,
    "resource-arns": _arns,
}
