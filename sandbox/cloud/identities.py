"""Who an access key belongs to, and which policies that identity has in the local IAM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.core.utils import utcnow
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.cloud import ACCOUNT
from sandbox.cloud.policies import Document, parse


class UnknownKeyError(Exception):
    """No identity has this key: it does not exist, is inactive, or its token is not the session's."""


class ExpiredSessionError(Exception):
    """The session the key belongs to has ended."""


@dataclass(frozen=True)
class Identity:
    """Who asks.

    arn: as GetCallerIdentity names it. names: every ARN a policy may name this principal by. secret: signs its
    requests. policies: those that allow or deny. limits: sets of policies that each must allow as well (a session
    policy, a permissions boundary). context: condition keys that come from the identity.
    """

    arn: str
    names: frozenset[str]
    secret: str
    policies: list[Document]
    limits: list[list[Document]] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)


def find(key_id: str, token: str | None) -> Identity:
    """The identity of an access key. token: of a session, None for a user's key.

    Raises UnknownKeyError and ExpiredSessionError.
    """
    for user in iam_backends[ACCOUNT]["aws"].users.values():
        for key in user.access_keys:
            if key.access_key_id == key_id:
                if token is not None or key.status != "Active":
                    raise UnknownKeyError(key_id)
                return _user(user, key.secret_access_key)
    for session in sts_backends[ACCOUNT]["aws"].assumed_roles:
        if session.access_key_id == key_id:
            if token != session.session_token:
                raise UnknownKeyError(key_id)
            if session.expiration < utcnow():
                raise ExpiredSessionError(key_id)
            return _session(session)
    raise UnknownKeyError(key_id)


def role(arn: str) -> Any:
    """moto's role with this ARN, or None."""
    try:
        return iam_backends[ACCOUNT]["aws"].get_role_by_arn(arn)
    except NotFoundException:
        return None


def _user(user: Any, secret: str) -> Identity:
    iam = iam_backends[ACCOUNT]["aws"]
    policies = [parse(text) for text in user.policies.values()]
    policies += _documents(user.managed_policies.values())
    for group in iam.get_groups_for_user(user.name):
        policies += [parse(text) for text in group.policies.values()]
        policies += _documents(group.managed_policies.values())
    context = {"aws:PrincipalArn": user.arn, "aws:username": user.name, "aws:userid": user.id}
    names = frozenset({user.arn})
    return Identity(user.arn, names, secret, policies, _boundary(user), context | {"aws:PrincipalType": "User"})


def _session(session: Any) -> Identity:
    limits = [[parse(session.policy)]] if session.policy else []
    policies: list[Document] = []
    # A session outlives its role's deletion, but has no permissions any more.
    found = role(session.role_arn)
    if found is not None:
        policies = [parse(text) for text in found.policies.values()]
        policies += _documents(found.managed_policies.values())
        limits += _boundary(found)
    context = {
        "aws:PrincipalArn": session.role_arn,
        "aws:PrincipalType": "AssumedRole",
        "aws:userid": session.user_id,
    }
    names = frozenset({session.arn, session.role_arn})
    return Identity(session.arn, names, session.secret_access_key, policies, limits, context)


def _boundary(entity: Any) -> list[list[Document]]:
    """What a user's or role's permissions boundary allows, if it has one."""
    arn = getattr(entity, "permissions_boundary_arn", None)
    return [_documents([iam_backends[ACCOUNT]["aws"].get_policy(arn)])] if arn else []


def _documents(managed: Iterable[Any]) -> list[Document]:
    return [
        parse(version.document)
        for policy in managed
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
