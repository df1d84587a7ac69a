"""An account in which the bootstrap has been run, and workflow jobs that assume its roles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3
import yaml
from botocore import UNSIGNED
from botocore.config import Config

from sandbox.cloud import issuer
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import REGION, Cloud
from tests.sandbox.plugins.engine import CHECKOUT

REPOSITORY = "octo-org@123456/monitoring@456789"
DEPLOY = f"repo:{REPOSITORY}:environment:prod"
PREVIEW = f"repo:{REPOSITORY}:pull_request"


class Bootstrap(Product):
    """A stack of the bootstrap's program, with its own state."""

    def write(self, project: str, config: dict[str, Any]) -> None:
        content = yaml.safe_load((CHECKOUT / "bootstrap" / "Pulumi.yaml").read_text())
        content |= {"main": str(CHECKOUT / "bootstrap")}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        own = {"aws:region": REGION, "monitoring-bootstrap:repository": REPOSITORY}
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump({"config": own}))

    def up(self, *options: str, fails: bool = False) -> str:
        return self.run("up", "--yes", "--skip-preview", "--stack", self.stack, *options, fails=fails)

    @property
    def variables(self) -> dict[str, str]:
        """The variables to set on GitHub."""
        return dict(json.loads(self.run("stack", "output", "variables", "--json", "--stack", self.stack)))


@dataclass(frozen=True)
class Job:
    """A workflow's job. credentials: as environment variables of the AWS SDKs."""

    aws: Cloud
    credentials: dict[str, str]

    @classmethod
    def of(cls, aws: Cloud, role: str, subject: str, **claims: Any) -> Job:
        """A job that has assumed a role with its token. Raises botocore's ClientError if it may not."""
        sts = boto3.client("sts", region_name=REGION, endpoint_url=aws.url, config=Config(signature_version=UNSIGNED))
        token = issuer.token(issuer.key_of(aws.place), subject, **claims)
        made = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=token)
        found = made["Credentials"]
        return cls(
            aws,
            {
                "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
                "AWS_SESSION_TOKEN": found["SessionToken"],
            },
        )

    def client(self, service: str) -> Any:
        """A boto3 client with the job's credentials, at the endpoint that counts as TLS."""
        make: Any = boto3.client
        given = {name.lower(): value for name, value in self.credentials.items()}
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.aws.operator_url,
            **given,
        )
