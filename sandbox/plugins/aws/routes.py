"""Lookups of a subnet's routes and endpoints: aws.ec2.get_route_table, aws.ec2.get_vpc_endpoint.

terraform-provider-aws, internal/service/ec2: vpc_route_table_data_source.go, vpc_endpoint_data_source.go.
"""

from __future__ import annotations

from typing import Any

from sandbox.plugins.aws.client import Aws
from sandbox.plugins.aws.filters import FILTERS, TAGS, filters_of, single
from sandbox.plugins.aws.resource import tag_map
from sandbox.plugins.base import TEXT, Function, Input, PluginError, Properties, fields

_TARGETS = {
    "carrierGatewayId": "CarrierGatewayId",
    "cidrBlock": "DestinationCidrBlock",
    "coreNetworkArn": "CoreNetworkArn",
    "destinationPrefixListId": "DestinationPrefixListId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "instanceId": "InstanceId",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def get_route_table(aws: Aws, arguments: Properties) -> Properties:
    """The only route table that matches, without local routes and those to endpoints, as in the real provider."""
    region = arguments.get("region") or aws.region
    filters = filters_of(
        arguments,
        route_table_id=arguments.get("routeTableId"),
        vpc_id=arguments.get("vpcId"),
        **{"association.subnet_id": arguments.get("subnetId")},
    )
    found = aws.client("ec2", region).describe_route_tables(Filters=filters)["RouteTables"]
    if not found:
        raise PluginError("query returned no results. Please change your search criteria and try again")
    table = single(found, "Route Table")
    return {
        "arn": aws.arn("ec2", f"route-table/{table['RouteTableId']}", region),
        "associations": [
            {
                "gatewayId": each.get("GatewayId", ""),
                "main": each.get("Main", False),
                "routeTableAssociationId": each["RouteTableAssociationId"],
                "routeTableId": table["RouteTableId"],
                "subnetId": each.get("SubnetId", ""),
            }
            for each in table["Associations"]
        ],
        "gatewayId": "",
        "id": table["RouteTableId"],
        "ownerId": table.get("OwnerId", aws.account_id),
        "region": region,
        "routeTableId": table["RouteTableId"],
        "routes": [_route(each) for each in table["Routes"] if not _is_omitted(each)],
        "subnetId": "",
        "tags": tag_map(table.get("Tags")),
        "vpcId": table["VpcId"],
        **arguments,
    }


def _is_omitted(route: dict[str, Any]) -> bool:
    gateway = str(route.get("GatewayId", ""))
    to_endpoint = bool(route.get("DestinationPrefixListId")) and gateway.startswith("vpce-")
    return gateway == "local" or route.get("Origin") == "EnableVgwRoutePropagation" or to_endpoint


def _route(found: dict[str, Any]) -> Properties:
    route = {name: found.get(theirs, "") if theirs else "" for name, theirs in _TARGETS.items()}
    if str(route["gatewayId"]).startswith("vpce-"):
        route |= {"vpcEndpointId": route["gatewayId"], "gatewayId": ""}
    return route


def get_vpc_endpoint(aws: Aws, arguments: Properties) -> Properties:
    """The only endpoint that matches."""
    region = arguments.get("region") or aws.region
    filters = filters_of(
        arguments,
        vpc_id=arguments.get("vpcId"),
        service_name=arguments.get("serviceName"),
        vpc_endpoint_type=arguments.get("vpcEndpointType"),
        vpc_endpoint_state=arguments.get("state"),
    )
    found = aws.client("ec2", region).describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    endpoint = single(found, "EC2 VPC Endpoint")
    return {
        "arn": aws.arn("ec2", f"vpc-endpoint/{endpoint['VpcEndpointId']}", region),
        "cidrBlocks": [],
        "dnsEntries": [],
        "dnsOptions": [],
        "id": endpoint["VpcEndpointId"],
        "ipAddressType": endpoint.get("IpAddressType", ""),
        "networkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
        "ownerId": endpoint.get("OwnerId", aws.account_id),
        "policy": endpoint.get("PolicyDocument", ""),
        "prefixListId": "",
        "privateDnsEnabled": endpoint.get("PrivateDnsEnabled", False),
        "region": region,
        "requesterManaged": endpoint.get("RequesterManaged", False),
        "routeTableIds": endpoint.get("RouteTableIds", []),
        "securityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
        "serviceName": endpoint["ServiceName"],
        "serviceRegion": region,
        "state": endpoint["State"],
        "subnetIds": endpoint.get("SubnetIds", []),
        "tags": tag_map(endpoint.get("Tags")),
        "vpcEndpointType": endpoint["VpcEndpointType"],
        "vpcId": endpoint["VpcId"],
    }


FUNCTIONS = (
    Function(
        "aws:ec2/getRouteTable:getRouteTable",
        fields(routeTableId=Input(TEXT), subnetId=Input(TEXT), vpcId=Input(TEXT), **TAGS, **FILTERS),
        get_route_table,
    ),
    Function(
        "aws:ec2/getVpcEndpoint:getVpcEndpoint",
        fields(
            serviceName=Input(TEXT),
            state=Input(TEXT),
            vpcEndpointType=Input(TEXT),
            vpcId=Input(TEXT),
            **TAGS,
            **FILTERS,
        ),
        get_vpc_endpoint,
    ),
)
