"""Timestream for InfluxDB and Secrets Manager as resources of IAM policies.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazontimestreaminfluxdb.html and
list_awssecretsmanager.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.timestreaminfluxdb.models import timestreaminfluxdb_backends

from sandbox.cloud import ACCOUNT
from sandbox.cloud.ec2_resources import arn
from sandbox.cloud.needed import Needed, tagged


def of_timestream(response: Any, action: str) -> Iterator[Needed]:
    """Instances by their ids, with their tags. Creating one also requires the right to create its network interface
    (AmazonTimestreamInfluxDBFullAccess, CreateEniInSubnetStatement)."""
    asked = json.loads(response.body or "{}")
    backend = timestreaminfluxdb_backends[ACCOUNT][response.region]
    kind = f"arn:aws:timestream-influxdb:{response.region}:{ACCOUNT}:db-instance"
    brought = [{"Key": key, "Value": value} for key, value in (asked.get("tags") or {}).items()]
    if action == "CreateDbInstance":
        for each in (action, *(["TagResource"] if brought else [])):
            yield Needed(f"timestream-influxdb:{each}", f"{kind}/*", tagged(None, brought))
        named = [("subnet", each) for each in asked.get("vpcSubnetIds", ())]
        named += [("security-group", each) for each in asked.get("vpcSecurityGroupIds", ())]
        tags = ec2_backends[ACCOUNT][response.region].tags
        for resource, id_ in (("network-interface", "*"), *named):
            context = tagged(tags.get(id_))
            yield Needed("ec2:CreateNetworkInterface", arn(response, resource, id_), context)
        return
    named_arn = asked.get("resourceArn") or (f"{kind}/{asked['identifier']}" if "identifier" in asked else "*")
    there = backend.list_tags_for_resource(named_arn)
    yield Needed(f"timestream-influxdb:{action}", named_arn, tagged(there, brought))


def of_secrets(response: Any, action: str) -> Iterator[Needed]:
    """Secrets by their ARN, whichever way they are named."""
    named = str(json.loads(response.body or "{}").get("SecretId") or "*")
    secrets = secretsmanager_backends[ACCOUNT][response.region].secrets
    known = secrets[named].arn if named != "*" and named in secrets else named
    yield Needed(f"secretsmanager:{action}", known)
