"""Roles for GitHub's workflows, and the bucket for Pulumi's state. A person runs this once; see docs/bootstrap.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pulumi
import pulumi_aws as aws

from bootstrap import configuration, databases, hosts, interfaces, keys, names, permissions, trust
from bootstrap.account import Account
from bootstrap.changes import changing
from bootstrap.identity_provider import IdentityProvider
from bootstrap.roles import JobRole
from bootstrap.state import Kept, State
from program.lookups import look_up
from program.provider import aws_provider
from settings.load import configuration as raw

config = configuration.from_pulumi()
tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
provider, _ = aws_provider(*raw(), config.region, tags)
opts, invoke = pulumi.ResourceOptions(provider=provider), pulumi.InvokeOptions(provider=provider)

caller = look_up(aws.get_caller_identity, invoke)
partition = caller.arn.split(":")[1]
account = Account(partition, caller.account_id, config.permissions_boundary, config.hosted_zones, config.kms_keys)

identity_provider = IdentityProvider("github", opts, invoke)
state = State(caller.account_id, partition, config.region, opts)
known = pulumi.Output.all(state.bucket_arn, state.key_arn)

preview = JobRole(
    "monitoring-preview",
    f"Pull requests of {config.repository} preview",
    identity_provider.arn.apply(lambda arn: trust.trust(arn, trust.previewing(config.repository, config.branch))),
    known.apply(lambda arns: [*permissions.reading(account), *permissions.reading_state(*arns)]),
    opts,
    further=[each for part in (databases, hosts, names, keys) for each in part.reading(account)],
)
deploy = JobRole(
    "monitoring-deploy",
    f"Environments of {config.repository} deploy",
    identity_provider.arn.apply(lambda arn: trust.trust(arn, trust.deploying(config.repository, config.environments))),
    known.apply(
        lambda arns: [
            *permissions.reading(account),
            *changing(account),
            *permissions.reading_state(*arns),
            *permissions.changing_state(*arns),
        ]
    ),
    opts,
    further=[
        *(*databases.reading(account), *databases.changing(account)),
        *(*hosts.reading(account), *hosts.changing(account)),
        *interfaces.changing(account),
        *(*names.reading(account), *names.changing(account)),
        *(*keys.reading(account), *keys.changing(account)),
    ],
)
Kept([identity_provider, state, preview, deploy])

variables = pulumi.Output.all(
    AWS_REGION=config.region,
    AWS_PREVIEW_ROLE=preview.arn,
    AWS_DEPLOY_ROLE=deploy.arn,
    PULUMI_BACKEND=state.backend,
    PULUMI_SECRETS_PROVIDER=state.secrets_provider,
)
pulumi.export("variables", variables)
pulumi.export("commands", variables.apply(lambda all: configuration.commands(config.repository, all)))
