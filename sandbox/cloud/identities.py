"""Whose access key a request uses, and which policies that identity has in the local IAM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.core.utils import utcnow
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.cloud.policies import Document, parse


class UnknownKeyError(Exception):
    """No identity has this key: it does not exist or is inactive, or the token is not the session's."""


class ExpiredSessionError(Exception):
    """The key's session has expired."""


@dataclass(frozen=True)
class Identity:
    """The caller of a request.

    account: its number. arn: as in GetCallerIdentity. names: every ARN by which a policy may name this principal.
    secret: signs its requests. policies: those that allow or deny. limits: sets of policies, each of which must allow
    the request too (a session policy, a permissions boundary). context: condition keys that come from the identity.
    """

    account: str
    arn: str
    names: frozenset[str]
    secret: str
    policies: list[Document]
    limits: list[list[Document]] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)


def find(key_id: str, token: str | None) -> Identity:
    """The identity that an access key belongs to. token: the session's, None for a user's key.

    Raises UnknownKeyError and ExpiredSessionError.
    """
    for account, backends in list(iam_backends.items()):
        for user in backends["aws"].users.values():
            for key in user.access_keys:
                if key.access_key_id == key_id:
                    if token is not None or key.status != "Active":
                        raise UnknownKeyError(key_id)
                    return _user(account, user, key.secret_access_key)
    # A session belongs to the role's account, not to the account of its caller.
    for partitions in list(sts_backends.values()):
        for session in partitions["aws"].assumed_roles:
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
        return iam_backends[arn.split(":")[4]]["aws"].get_role_by_arn(arn)
    except (NotFoundException, IndexError):
        return None


def _user(account: str, user: Any, secret: str) -> Identity:
    iam = iam_backends[account]["aws"]
    policies = [parse(text) for text in user.policies.values()]
    policies += _documents(user.managed_policies.values())
    for group in iam.get_groups_for_user(user.name):
        policies += [parse(text) for text in group.policies.values()]
        policies += _documents(group.managed_policies.values())
    context = {"aws:PrincipalArn": user.arn, "aws:username": user.name, "aws:userid": user.id}
    context |= {"aws:PrincipalAccount": account, "aws:PrincipalType": "User"}
    names = frozenset({user.arn})
    return Identity(account, user.arn, names, secret, policies, _boundary(account, user), context)


def _session(session: Any) -> Identity:
    limits = [[parse(session.policy)]] if session.policy else []
    policies: list[Document] = []
    # A session outlives its role, but has no permissions once the role is deleted.
    found = role(session.role_arn)
    if found is not None:
        policies = [parse(text) for text in found.policies.values()]
        policies += _documents(found.managed_policies.values())
        limits += _boundary(session.account_id, found)
    context = {
        "aws:PrincipalAccount": session.account_id,
        "aws:PrincipalArn": session.role_arn,
        "aws:PrincipalType": "AssumedRole",
        "aws:userid": session.user_id,
    }
    names = frozenset({session.arn, session.role_arn})
    return Identity(session.account_id, session.arn, names, session.secret_access_key, policies, limits, context)


def _boundary(account: str, entity: Any) -> list[list[Document]]:
    """The permissions boundary of a user or role as a list of limits, empty if there is none."""
    arn = getattr(entity, "permissions_boundary_arn", None)
    return [_documents([iam_backends[account]["aws"].get_policy(arn)])] if arn else []


def _documents(managed: Iterable[Any]) -> list[Document]:
    return [
        parse(version.document)
        for policy in managed
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
