"""Whom the roles trust: jobs of one repository, by the exact subject of their tokens.

No condition here has a wildcard: `repo:OWNER/NAME:*` would let in every branch, tag and pull request, and
`repo:OWNER*` every owner whose name begins with it. IAM refuses trust in GitHub's provider without a condition on the
subject (docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html).
"""

from __future__ import annotations

from collections.abc import Sequence

from program.policies import document

HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
"""The audience that aws-actions/configure-aws-credentials requests from GitHub."""


def previewing(repository: str, branch: str) -> list[str]:
    """Subjects of jobs that may preview: those of pull requests, and of the branch, such as the nightly drift check;
    not those with an environment, whose subject has only that."""
    return [f"repo:{repository}:pull_request", f"repo:{repository}:ref:refs/heads/{branch.replace(':', '%3A')}"]


def deploying(repository: str, environments: Sequence[str]) -> list[str]:
    """Subjects of jobs that may deploy: those in one of the environments."""
    return [f"repo:{repository}:environment:{name.replace(':', '%3A')}" for name in environments]


def trust(provider: str, subjects: Sequence[str]) -> str:
    """The trust policy of a role. provider: ARN of the account's identity provider for GitHub."""
    return document(
        {
            "Sid": "JobsOfOneRepository",
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": list(subjects)}},
        }
    )
