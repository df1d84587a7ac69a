"""Every input and output of these stand-ins exists in the real SDK, with the same name and token."""

from __future__ import annotations

import inspect
from typing import Any

import pulumi_command
import pulumi_random
import pulumi_tls
import pytest

from sandbox.plugins.base import Resource
from sandbox.plugins.command.provider import CommandProvider
from sandbox.plugins.random.provider import RandomProvider
from sandbox.plugins.schema import ListOf, ObjectOf
from sandbox.plugins.tls.provider import TlsProvider

pytestmark = pytest.mark.stand_in

REAL = {
    "random:index/randomPassword:RandomPassword": pulumi_random.RandomPassword,
    "random:index/randomString:RandomString": pulumi_random.RandomString,
    "tls:index/privateKey:PrivateKey": pulumi_tls.PrivateKey,
    "tls:index/selfSignedCert:SelfSignedCert": pulumi_tls.SelfSignedCert,
    "tls:index/certRequest:CertRequest": pulumi_tls.CertRequest,
    "tls:index/locallySignedCert:LocallySignedCert": pulumi_tls.LocallySignedCert,
    "command:local:Command": pulumi_command.local.Command,
    "command:remote:Command": pulumi_command.remote.Command,
}
KINDS = [kind for each in (RandomProvider, TlsProvider, CommandProvider) for kind in each.resources]


def wire_names(cls: type) -> set[str]:
    """The names of an SDK class's properties in the protocol."""
    getters = (member for member in vars(cls).values() if isinstance(member, property))
    return {getattr(member.fget, "_pulumi_name", member.fget.__name__) for member in getters if member.fget}


def arguments(cls: type) -> type:
    """The SDK's Args class of a resource."""
    return next(
        value
        for name, value in vars(inspect.getmodule(cls)).items()
        if name.endswith("Args") and inspect.isclass(value) and value.__module__ == cls.__module__
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.token)
def test_properties_exist_in_the_sdk(kind: type[Resource[Any]]) -> None:
    real = REAL[kind.token]
    assert set(kind.inputs) <= wire_names(arguments(real))
    assert set(kind.outputs) <= wire_names(real)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.token)
def test_required_inputs_are_those_of_the_sdk(kind: type[Resource[Any]]) -> None:
    parameters = inspect.signature(arguments(REAL[kind.token])).parameters.values()
    needed = {each.name for each in parameters if each.default is inspect.Parameter.empty}
    required = {"".join(_snake(name)) for name, declared in kind.inputs.items() if declared.required}
    # These are optional in the SDK since it has a write-only twin of each, which the stand-in does not have.
    assert required - {"private_key_pem", "ca_private_key_pem"} == needed


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_the_connection_has_the_fields_of_the_sdk() -> None:
    kind = next(each for each in KINDS if each.token == "command:remote:Command").inputs["connection"].kind
    assert isinstance(kind, ObjectOf)
    # The program has no setting for a jump host.
    assert {*kind.fields, "proxy"} == wire_names(pulumi_command.remote.ConnectionArgs)


def test_the_subject_has_the_fields_of_the_sdk() -> None:
    kind = next(each for each in KINDS if each.token.endswith("SelfSignedCert")).inputs["subject"].kind
    assert isinstance(kind, ObjectOf)
    assert set(kind.fields) == wire_names(pulumi_tls.SelfSignedCertSubjectArgs)
    assert isinstance(kind.fields["streetAddresses"].kind, ListOf)
