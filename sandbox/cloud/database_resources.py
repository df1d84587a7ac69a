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
from sandbox.cloud.permission import Permission, tag_context


def of_timestream(response: Any, action: str) -> Iterator[Permission]:
    """The permissions for instances, by id, with their tags.

    Creating one also requires the right to create its network interface (AmazonTimestreamInfluxDBFullAccess,
    CreateEniInSubnetStatement).
    """
    given = json.loads(response.body or "{}")
    backend = timestreaminfluxdb_backends[ACCOUNT][response.region]
    kind = f"arn:aws:timestream-influxdb:{response.region}:{ACCOUNT}:db-instance"
    requested = [{"Key": key, "Value": value} for key, value in (given.get("tags") or {}).items()]
    if action == "CreateDbInstance":
        for each in (action, *(["TagResource"] if requested else [])):
            yield Permission(f"timestream-influxdb:{each}", f"{kind}/*", tag_context(None, requested))
        named = [("subnet", each) for each in given.get("vpcSubnetIds", ())]
        named += [("security-group", each) for each in given.get("vpcSecurityGroupIds", ())]
        tags = ec2_backends[ACCOUNT][response.region].tags
        for resource, id_ in (("network-interface", "*"), *named):
            context = tag_context(tags.get(id_))
            yield Permission("ec2:CreateNetworkInterface", arn(response, resource, id_), context)
        return
    named_arn = given.get("resourceArn") or (f"{kind}/{given['identifier']}" if "identifier" in given else "*")
    existing = backend.list_tags_for_resource(named_arn)
    yield Permission(f"timestream-influxdb:{action}", named_arn, tag_context(existing, requested))


def of_secrets(response: Any, action: str) -> Iterator[Permission]:
    """The permission for a secret, by its ARN, even if the request names it otherwise."""
    named = str(json.loads(response.body or "{}").get("SecretId") or "*")
    secrets = secretsmanager_backends[ACCOUNT][response.region].secrets
    known = secrets[named].arn if named != "*" and named in secrets else named
    yield Permission(f"secretsmanager:{action}", known)
