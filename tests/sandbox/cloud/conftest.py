"""A local AWS for the test session, and clients of it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import cloud
from sandbox.place import Place

REGION = "eu-central-1"
ONCE = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Key:
    """Credentials: an access key, a secret and, for sessions, a token."""

    id: str
    secret: str
    token: str | None = None


@dataclass(frozen=True)
class Cloud:
    """The running local AWS.

    url: its endpoint. metadata_url: the metadata service's. operator_url: the operator's endpoint, which counts as TLS.
    """

    place: Place
    url: str
    metadata_url: str
    operator_url: str

    def administrator(self, account: str = cloud.ACCOUNT) -> Key:
        """The key of an account's administrator."""
        admin = cloud.admin_credentials(self.place, account)
        return Key(admin["AWS_ACCESS_KEY_ID"], admin["AWS_SECRET_ACCESS_KEY"])

    def environment(self) -> dict[str, str]:
        """The variables with which the AWS SDKs use this AWS, as the operator does: the administrator's key, over
        TLS."""
        return {"AWS_ENDPOINT_URL": self.operator_url, **cloud.admin_credentials(self.place)}

    def client(self, service: str, key: Key | None = None, region: str = REGION) -> Any:
        """A boto3 client with the key, by default the administrator's."""
        key = key or self.administrator()
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token,
            config=ONCE,
        )

    def user(self, *statements: dict[str, Any]) -> Key:
        """The key of a new user with these policy statements."""
        iam, name = self.client("iam"), f"user-{uuid.uuid4()}"
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy(*statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])

    def image(self, architecture: str = "x86_64", region: str = REGION) -> str:
        """The id of the newest Debian image."""
        images = self.client("ec2", region=region).describe_images(
            Owners=["136693071363"], Filters=[{"Name": "architecture", "Values": [architecture]}]
        )["Images"]
        return str(max(images, key=lambda image: image["CreationDate"])["ImageId"])

    def launch(self, region: str = REGION, **named: Any) -> dict[str, Any]:
        """Launch a t3.small instance; returns it as DescribeInstances does."""
        ec2 = self.client("ec2", region=region)
        request = {"ImageId": self.image(region=region), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
        made = ec2.run_instances(**{**request, **named})["Instances"][0]
        return self.instance(made["InstanceId"], region)

    def instance(self, instance_id: str, region: str = REGION) -> dict[str, Any]:
        """The current state of an instance."""
        found = self.client("ec2", region=region).describe_instances(InstanceIds=[instance_id])
        instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return instance

    def metadata(self, method: str, path: str, address: str, **headers: str) -> requests.Response:
        """Send a request to the metadata service as the machine with this address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.metadata_url + path
        return requests.request(method, url, headers={"X-Test-Address": address, **named}, timeout=5)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def refusal(call: Callable[..., Any], **named: Any) -> tuple[int, str]:
    """HTTP status and error code of a call, which must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**named)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


CLOUDWATCH = allow("cloudwatch:ListMetrics", "cloudwatch:GetMetricData")


def assume(aws: Cloud, key: Key, role: str, **more: Any) -> Key:
    """The key of a session. role: its ARN."""
    made = aws.client("sts", key).assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]
    return Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def kms_key(aws: Cloud, *statements: dict[str, Any]) -> str:
    """The ARN of a new KMS key, whose policy has these statements if there are any."""
    made = aws.client("kms").create_key(**({"Policy": policy(*statements)} if statements else {}))
    return str(made["KeyMetadata"]["Arn"])


def key_id(arn: str) -> str:
    """A KMS key's id; moto's requests that change a key take nothing else."""
    return arn.rpartition("/")[2]


RUNNING = {"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}
STARTED = pytest.StashKey[Cloud]()


@pytest.fixture(scope="module", autouse=True)
def terminate_instances(request: pytest.FixtureRequest) -> Iterator[None]:
    """Terminate instances after each module, because a subnet has too few addresses for those of all modules."""
    yield
    started = request.config.stash.get(STARTED, None)
    if started:
        ec2 = started.client("ec2")
        for page in ec2.get_paginator("describe_instances").paginate(Filters=[RUNNING]):
            for instance in page["Reservations"]:
                ec2.terminate_instances(InstanceIds=[each["InstanceId"] for each in instance["Instances"]])


@contextmanager
def running(folder: Path) -> Iterator[Cloud]:
    """A local AWS of its own, whose state is in the folder."""
    command = [sys.executable, "-m", "tests.sandbox.cloud.serve", str(folder)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = process.stdout.readline().split()
        assert len(ports) == 3, "the local AWS did not start"
        yield Cloud(Place(folder, "test"), *(f"http://127.0.0.1:{port}" for port in ports))
        process.terminate()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        request.config.stash[STARTED] = started
        yield started
