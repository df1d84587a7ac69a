"""Instances of Timestream for InfluxDB: what AWS refuses, their network interface and secret, and updates.

docs.aws.amazon.com/ts-influxdb/latest/ts-influxdb-api/API_CreateDbInstance.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.timestreaminfluxdb.exceptions import ValidationException
from moto.timestreaminfluxdb.models import DBInstance, TimestreamInfluxDBBackend
from moto.timestreaminfluxdb.responses import TimestreamInfluxDBResponse

from sandbox.cloud.patches.registry import ABSENT, patch

SMALLEST = {"InfluxIOIncludedT1": 20, "InfluxIOIncludedT2": 400, "InfluxIOIncludedT3": 400}
LARGEST = 15360
"""GiB of storage."""

MULTI_AZ = "WITH_MULTIAZ_STANDBY"
CHANGEABLE = {
    "dbInstanceType": "db_instance_type",
    "dbStorageType": "db_storage_type",
    "allocatedStorage": "allocated_storage",
    "deploymentType": "deployment_type",
    "port": "port",
    "dbParameterGroupIdentifier": "db_parameter_group_id",
    "logDeliveryConfiguration": "log_delivery_configuration",
}
"""The parameters of UpdateDbInstance, with moto's names."""


@patch(TimestreamInfluxDBBackend, "create_db_instance", source="dcca12af")
def create_db_instance(original: Any, self: Any, **named: Any) -> Any:
    """AWS: checks every value, creates a network interface in the first subnet, and stores the administrator's login in
    Secrets Manager (timestream-for-influx-security-db-secrets.html in its developer guide). moto: does none of this.
    """
    ec2 = ec2_backends[self.account_id][self.region_name]
    for fault in _faults(named, ec2):
        raise ValidationException(fault)
    made = original(self, **named)
    subnet: Any = ec2.get_subnet(named["vpc_subnet_ids"][0])
    made.network_interface = ec2.create_network_interface(
        subnet,
        subnet.get_available_subnet_ip(None),
        group_ids=named["vpc_security_group_ids"],
        description=f"timestream-influxdb {made.id}",
        public_ip_auto_assign=made.publicly_accessible,
    )
    login = {name: named[name] for name in ("organization", "bucket", "username", "password")}
    made.secret_arn = _secrets(self).create_secret(
        name=f"READONLY-InfluxDB-auth-parameters-{made.id}",
        secret_string=json.dumps(login),
        secret_binary=None,
        description=None,
        tags=[],
        kms_key_id=None,
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    made.secret_arn = json.loads(made.secret_arn)["ARN"]
    return made


def _secrets(backend: Any) -> Any:
    return secretsmanager_backends[backend.account_id][backend.region_name]


def _faults(named: dict[str, Any], ec2: Any) -> Iterator[str]:
    if not re.fullmatch("[a-zA-Z0-9]{8,64}", named["password"] or ""):
        yield "Value at 'password' failed to satisfy constraint: 8 to 64 characters of [a-zA-Z0-9]"
    if not re.fullmatch('[^_"][^"]{1,63}', named["bucket"] or ""):
        yield "Value at 'bucket' failed to satisfy constraint: 2 to 64 characters, no underscore at the beginning"
    if not 1 <= len(named["organization"] or "") <= 64 or not 1 <= len(named["username"] or "") <= 64:
        yield "Value at 'organization' or 'username' failed to satisfy constraint: 1 to 64 characters"
    yield from _storage_faults(str(named["db_storage_type"]), named["allocated_storage"])
    try:
        subnets = [ec2.get_subnet(each) for each in named["vpc_subnet_ids"]]
    except EC2ClientError as error:
        yield str(error)
        return
    if not subnets or len({each.vpc_id for each in subnets}) > 1:
        yield "VPC subnets must be in one VPC"
    elif named["deployment_type"] == MULTI_AZ and len({each.availability_zone for each in subnets}) == 1:
        yield "Provide at least two VPC subnet IDs in different availability zones for a Multi-AZ standby"
    for group in named["vpc_security_group_ids"] or [""]:
        found = ec2.get_security_group_from_id(group)
        if found is None or found.vpc_id != subnets[0].vpc_id:
            yield f"Security group {group} does not exist in {subnets[0].vpc_id}"


def _storage_faults(kind: str, size: int) -> Iterator[str]:
    least = SMALLEST.get(kind.rpartition(".")[2], LARGEST)
    if not least <= (size or 0) <= LARGEST:
        yield f"Value at 'allocatedStorage' failed to satisfy constraint: {least} to {LARGEST}"


@patch(DBInstance, "to_dict", source="2723c855")
def to_dict(original: Any, self: Any) -> dict[str, Any]:
    """AWS: returns the secret with the login, and the instance's zone. moto: leaves both empty."""
    zone = self.network_interface.availability_zone
    return {**original(self), "influxAuthParametersSecretArn": self.secret_arn, "availabilityZone": zone}


@patch(TimestreamInfluxDBBackend, "delete_db_instance", source="981d3519")
def delete_db_instance(original: Any, self: Any, id: str) -> Any:
    """AWS: also deletes the network interface and the secret. moto: has neither."""
    deleted = original(self, id)
    deleted.network_interface.delete()
    _secrets(self).delete_secret(deleted.secret_arn, None, force_delete_without_recovery=True)
    return deleted


@patch(TimestreamInfluxDBBackend, "update_db_instance", source=ABSENT)
def update_db_instance(_: Any, self: Any, identifier: str, changed: dict[str, Any]) -> Any:
    """UpdateDbInstance (API_UpdateDbInstance): storage can only grow. moto: does not have the action."""
    instance = self.get_db_instance(identifier)
    size = changed.get("allocatedStorage", instance.allocated_storage)
    kind = str(changed.get("dbStorageType", instance.db_storage_type))
    for fault in _storage_faults(kind, size):
        raise ValidationException(fault)
    if size < instance.allocated_storage:
        raise ValidationException("Allocated storage cannot be decreased")
    for name, value in changed.items():
        setattr(instance, CHANGEABLE[name], value)
    return instance


@patch(TimestreamInfluxDBResponse, "update_db_instance", source=ABSENT)
def update_db_instance_response(_: Any, self: Any) -> str:
    """Answer UpdateDbInstance."""
    given = json.loads(self.body)
    changed = {name: given[name] for name in CHANGEABLE if name in given}
    return json.dumps(self.timestreaminfluxdb_backend.update_db_instance(given["identifier"], changed).to_dict())
