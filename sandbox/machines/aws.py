"""The local AWS, used as its administrator: clients, and the regions to poll."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sandbox import cloud
from sandbox.place import Place

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client

HOME_REGION = "us-east-1"
SCANNED_PER_TURN = 8


class Aws:
    """Clients of the place's local AWS, one per service and region."""

    def __init__(self, place: Place) -> None:
        credentials = cloud.admin_credentials(place)
        self._session = boto3.Session(
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        )
        self._endpoint = place.aws_url
        self._config = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=15)
        self.ec2 = cache(self._ec2)
        self.cloudwatch = cache(self._cloudwatch)
        self.timestream = cache(self._timestream)

    def _ec2(self, region: str) -> EC2Client:
        return self._session.client("ec2", region_name=region, endpoint_url=self._endpoint, config=self._config)

    def _cloudwatch(self, region: str) -> CloudWatchClient:
        return self._session.client("cloudwatch", region_name=region, endpoint_url=self._endpoint, config=self._config)

    def _timestream(self, region: str) -> Any:
        return self._session.client(
            "timestream-influxdb", region_name=region, endpoint_url=self._endpoint, config=self._config
        )

    def secret(self, region: str, arn: str) -> str:
        """A secret's value in Secrets Manager."""
        secrets: Any = self._session.client(
            "secretsmanager", region_name=region, endpoint_url=self._endpoint, config=self._config
        )
        return str(secrets.get_secret_value(SecretId=arn)["SecretString"])

    def virtual_cpus(self, kind: str) -> int:
        """The number of virtual CPUs of an instance type; 1 if EC2 does not know the type."""
        found = self.ec2(HOME_REGION).describe_instance_types(Filters=[{"Name": "instance-type", "Values": [kind]}])
        types = found["InstanceTypes"]
        return types[0]["VCpuInfo"]["DefaultVCpus"] if types else 1


class Regions:
    """Chooses the regions to poll: in each turn those with instances, and a few of the others.

    A stack uses one region; polling all thirty every second would keep the host busy for nothing.
    If the local AWS keeps a list of the regions in use (regions.json in the state folder), only those are polled.
    """

    def __init__(self, place: Place, names: list[str]) -> None:
        self._used = place.state / "regions.json"
        self._names = names
        self._turn = itertools.cycle(names)
        self.active: set[str] = set()

    def next(self) -> list[str]:
        """The regions of this turn, sorted."""
        if self._used.exists():
            return sorted(self.active | set(json.loads(self._used.read_text())))
        scanned = set(itertools.islice(self._turn, min(SCANNED_PER_TURN, len(self._names))))
        return sorted(self.active | scanned)
