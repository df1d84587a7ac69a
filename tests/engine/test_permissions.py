"""A stack's whole life with the bootstrap's roles, which are allowed exactly what it needs.

The local AWS authorizes every request of the jobs by the policies that the bootstrap created. The state is in the
bootstrap's bucket, encrypted with its key.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from sandbox import cloud
from sandbox.cloud import grants
from tests.engine.bootstrapped import DEPLOY, PREVIEW, Bootstrap, Job
from tests.engine.only_in_aws import ONLY_IN_AWS
from tests.engine.private_subnet import subnet
from tests.engine.product import PROGRAM, Product
from tests.engine.test_domain_record import zone
from tests.sandbox.cloud.conftest import REGION, Cloud, kms_key

pytestmark = pytest.mark.slow

CONSOLE = "import sys; from tools.waiting import Console; print(Console({}, *sys.argv[1:]).read())"


@dataclass
class Workflows:
    """A repository's workflows, and their stack."""

    aws: Cloud
    variables: dict[str, str]
    product: Product

    @property
    def administrator(self) -> Any:
        """An S3 client for the account's administrator, at the endpoint that counts as TLS."""
        return Job(self.aws, cloud.admin_credentials(self.aws.place)).client("s3")

    def become(self, role: str, subject: str) -> None:
        """Run the next commands as a job with this role."""
        self.product.env |= Job.of(self.aws, self.variables[role], subject).credentials

    def policy(self, role: str) -> list[dict[str, Any]]:
        """The statements of a role's policies in IAM."""
        iam = self.aws.client("iam")
        found = [iam.get_role_policy(RoleName=role, PolicyName="jobs")["PolicyDocument"]]
        for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = each["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
        return [statement for document in found for statement in document["Statement"]]

    def listed(self, role: str) -> set[tuple[str, str]]:
        """What the role is allowed: statement and action."""
        return {(each["Sid"], action) for each in self.policy(role) for action in each["Action"]}

    def unneeded(self, role: str) -> set[tuple[str, str]]:
        """What the role is allowed and no job has needed so far: statement and action."""
        return self.listed(role) - grants.read(self.aws.place, role)

    def resources(self) -> set[str]:
        """The URNs in the stack's state, for comparison."""
        self.become("AWS_DEPLOY_ROLE", DEPLOY)
        state = json.loads(self.product.run("stack", "export", "--stack", "dev"))["deployment"]
        return {each["urn"] for each in state.get("resources", [])}


@pytest.fixture(scope="module")
def workflows(aws: Cloud, bootstrap: Bootstrap, tmp_path_factory: pytest.TempPathFactory) -> Workflows:
    key = kms_key(aws)
    bootstrap.configure(**{"monitoring-bootstrap__hostedZones": [zone(aws, "example.org")]})
    bootstrap.configure(**{"monitoring-bootstrap__kmsKeys": [key]})
    bootstrap.up()
    job, variables = tmp_path_factory.mktemp("job"), bootstrap.variables
    kept = {name: value for name, value in bootstrap.env.items() if name not in ("PULUMI_CONFIG_PASSPHRASE",)}
    env = kept | {"PULUMI_BACKEND_URL": variables["PULUMI_BACKEND"], "AWS_REGION": variables["AWS_REGION"]}
    made = Workflows(aws, variables, Product(job, env))
    made.product.write("monitoring", yaml.safe_load((PROGRAM / "Pulumi.dev.yaml").read_text())["config"])
    made.product.configure(deadMansSwitch={"email": ["a@example.com"]}, database={"kind": "timestream"})
    made.product.configure(hostsByTag={"Monitoring": "on"})
    made.product.configure(domain="m.example.org", route53Zone="example.org", kmsKey=key)
    made.become("AWS_DEPLOY_ROLE", DEPLOY)
    made.product.run("stack", "init", "dev", "--secrets-provider", variables["PULUMI_SECRETS_PROVIDER"])
    made.product.up()
    return made


def test_the_preview_role_previews_and_changes_nothing(workflows: Workflows) -> None:
    before = workflows.resources()
    workflows.product.configure(retention="8d")
    workflows.become("AWS_PREVIEW_ROLE", PREVIEW)
    assert "2 to update" in workflows.product.run("preview", "--stack", "dev")
    refused = workflows.product.up(fails=True)
    assert "AccessDenied" in refused
    # The drift check asks AWS about every resource.
    workflows.product.run("preview", "--refresh", "--stack", "dev")
    assert workflows.resources() == before


def test_the_roles_are_allowed_exactly_what_the_life_of_a_stack_needs(workflows: Workflows) -> None:
    product = workflows.product
    workflows.become("AWS_DEPLOY_ROLE", DEPLOY)
    (instance,) = product.resources("aws:ec2/instance:Instance")
    console = [sys.executable, "-c", CONSOLE, REGION, instance["id"]]
    subprocess.run(console, cwd=PROGRAM, env=product.env, check=True, timeout=60)
    mail = {"host": "mail.example.com", "port": 587, "user": "a", "sender": "a@example.com"}
    product.configure(smtp=mail, contactPoints={"email": ["a@example.com"]}, tags={"team": "web"})
    product.run("config", "set", "--stack", "dev", "--secret", "--path", "monitoring:smtp.password", "secret")
    product.configure(instanceType="t4g.medium", dataVolumeSize=30, operatorCidrs=["198.51.100.0/24"])
    product.configure(backups={"keep": 8}, database={"kind": "timestream", "storage": 40}, hostsByTagRemove=True)
    product.up("--refresh")
    settings = yaml.safe_load((product.folder / "Pulumi.dev.yaml").read_text())["config"]
    product.configure(smtp=settings["monitoring:smtp"] | {"port": 465})
    product.configure(cloudwatchAuth="role", backups={"enabled": False})
    # With a subnet that has only its VPC's local route, the preview also looks for endpoints.
    (volume,) = product.resources("aws:ebs/volume:Volume")
    lonely = subnet(workflows.aws.client("ec2"), volume["outputs"]["availabilityZone"])
    product.configure(
        publicAddress=False, subnetId=lonely.id, database=None
    )  # a database cannot move to another subnet
    # With a backup, as the server would write it, the bucket is not empty when it is deleted.
    bucket = product.resources("aws:s3/bucket:Bucket")[0]["id"]
    workflows.administrator.put_object(Bucket=bucket, Key="dev/latest", Body=b"backup")
    product.up()
    product.configure(tags={"crew": "web"})
    workflows.become("AWS_PREVIEW_ROLE", PREVIEW)
    product.run("preview", "--refresh", "--stack", "dev")
    workflows.become("AWS_DEPLOY_ROLE", DEPLOY)
    product.up()
    product.run("destroy", "--yes", "--skip-preview", "--stack", "dev")
    product.run("stack", "rm", "--yes", "--stack", "dev")
    for role in ("monitoring-deploy", "monitoring-preview"):
        unneeded, expected = workflows.unneeded(role), workflows.listed(role) & set(ONLY_IN_AWS)
        assert unneeded - expected == set(), f"{role} is allowed what no stack needs"
        assert expected - unneeded == set(), f"{role} needs what only_in_aws.py says it does not"
    assert set(ONLY_IN_AWS) <= workflows.listed("monitoring-deploy")
