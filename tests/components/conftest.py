"""The whole program, run once for each configuration against Pulumi's mocks."""

from __future__ import annotations

import functools
import json
import re
import runpy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
import pulumi
import pytest
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.proto import source_pb2

from bootstrap.identity_provider import OWNER
from dashboards.registry import Entry

PROJECT = Path(__file__).parent.parent.parent
ADDRESS = "198.18.1.10"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
SECRETS = re.compile(r"password-of-|hidden-key-of-|secret-of-")
"""What the mocks answer for everything secret."""

SECRET_MARK = "4dabf18193072939515e22adb298388d"  # the key by which the engine recognizes a secret


def clear(value: Any) -> Any:
    """A value as the engine sends it, without the envelopes of secrets."""
    return _opened(value, lambda secret: clear(secret["value"]))


def shown(value: Any) -> Any:
    """A value as a preview, a log and the state show it."""
    return _opened(value, lambda _: "[secret]")


def _opened(value: Any, replace: Callable[[dict[str, Any]], Any]) -> Any:
    if isinstance(value, dict):
        return replace(value) if SECRET_MARK in value else {k: _opened(v, replace) for k, v in value.items()}
    return [_opened(element, replace) for element in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Resource:
    """A resource as the program requested it. shown: the inputs without what is marked as a secret. secret: the inputs
    that are, or contain, a secret."""

    type: str
    name: str
    inputs: dict[str, Any]
    secret: frozenset[str] = frozenset()
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What the engine may do to a resource later on.

    after: types and names of the resources it waits for, which are deleted after it. deleted_with, provider: names.
    hooks: when each hook runs, and its name. replaced_by: inputs whose change replaces it.
    """

    protect: bool
    ignore_changes: frozenset[str]
    delete_first: bool
    after: frozenset[tuple[str, str]]
    deleted_with: str
    provider: str
    hooks: frozenset[tuple[str, str]]
    replaced_by: frozenset[str]


@dataclass
class Run:
    """What a run of the program requested, and what it exported."""

    resources: list[Resource] = field(default_factory=list)
    options: dict[tuple[str, str], Options] = field(default_factory=dict)
    """By the resource's type and name."""
    hooks: dict[str, pulumi.ResourceHook] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, bool] = field(default_factory=dict)

    def all(self, kind: str) -> list[Resource]:
        """Every resource whose type ends with `kind`."""
        return [resource for resource in self.resources if resource.type.endswith(f":{kind}")]

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The inputs of the only resource of a type (and name)."""
        (found,) = [r for r in self.all(kind) if name is None or r.name == name]
        return found.inputs


Answer = dict[str, Any] | str | Callable[[dict[str, Any]], dict[str, Any]]
"""Of AWS to a lookup: always the same, what it says when it refuses, or one that follows from the arguments."""


class Refused(grpc.RpcError):
    """A lookup that failed, as the engine reports it."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class Cloud(mocks.Mocks):
    """Answers as AWS would, and remembers the requests."""

    def __init__(self, run: Run, answers: dict[str, Answer]) -> None:
        self.run = run
        usual: dict[str, Answer] = {
            "getVpc": {"id": "vpc-1", "cidrBlock": "10.0.0.0/16"},
            "getSubnets": {"ids": ["subnet-2", "subnet-1"]},
            "getSubnet": {"vpcId": "vpc-1", "availabilityZone": "eu-central-1a"},
            "getRouteTable": {"id": "rtb-1", "vpcId": "vpc-1", "routes": []},
            "getKey": {
                **{"arn": KEY, "keyManager": "CUSTOMER", "keyState": "Enabled"},
                **{"keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT"},
            },
            "getZone": {"zoneId": "Z0123", "name": "example.com", "privateZone": False},
            "getVpcEndpoint": {"privateDnsEnabled": True, "routeTableIds": ["rtb-1"]},
            "getCallerIdentity": {"arn": "arn:aws:iam::111122223333:user/me", "accountId": "111122223333"},
            "getInstanceType": {"supportedArchitectures": ["arm64"], "ebsOptimizedSupport": "default"},
            "getInstanceTypeOfferings": {"locations": ["eu-central-1a", "eu-central-1b"]},
            "getAmi": {"id": "ami-00000001", "architecture": "arm64"},
            # As the bootstrap made it.
            "getOpenIdConnectProvider": {"arn": "arn", "tags": {OWNER: "monitoring-bootstrap/dev"}},
        }
        self.answers = usual | answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs, seen = clear(args.inputs), shown(args.inputs)
        marked = frozenset(key for key, value in args.inputs.items() if inputs[key] != value)
        self.run.resources.append(Resource(args.typ, args.name, inputs, marked, seen))
        outputs = {"name": args.name} | inputs
        kind = args.typ.rpartition(":")[2]
        outputs |= {
            "Eip": {"publicIp": ADDRESS},
            "NetworkInterface": {"privateIp": "10.0.0.7"},
            "Parameter": {"version": 3.0},
            "RandomPassword": {"result": f"password-of-{args.name}"},
            "RandomString": {"result": "x1y2z3x1y2z3x1y2z3xy"},
            "PrivateKey": {"privateKeyPem": PEM.format(f"hidden-key-of-{args.name}")},
            "SelfSignedCert": {"certPem": PEM.format(f"the-ca-of-{args.name}")},
            "CertRequest": {"certRequestPem": "request"},
            "LocallySignedCert": {"certPem": PEM.format("the-server")},
            "AccessKey": {"secret": "secret-of-the-access-key"},
            "Volume": {"arn": "arn"},
            "Policy": {"arn": f"arn:aws:iam::111122223333:policy/{args.name}"},
            "User": {"arn": f"arn:aws:iam::111122223333:user/{args.name}"},
            "Role": {"arn": f"arn:aws:iam::111122223333:role/{args.name}"},
            "Topic": {"arn": f"arn:aws:sns:eu-central-1:111122223333:{args.name}"},
            "DbInstance": {
                "endpoint": "db-1.timestream-influxdb.eu-central-1.on.aws",
                "influxAuthParametersSecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:READONLY-1",
            },
            "Association": {"associationId": "association-1"},
            "Bucket": {"arn": f"arn:aws:s3:::{args.name}", "bucket": args.name},
        }.get(kind, {})
        return f"{kind}-{args.name}", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        kind = args.token.rpartition(":")[2]
        self.run.calls.append((kind, args.args))
        answer = self.answers[kind]
        if isinstance(answer, str):
            raise Refused(f"invocation of {args.token} returned an error: invoking {args.token}: {answer}")
        return answer(args.args) if callable(answer) else answer, []


class Monitor(mocks.MockMonitor):
    """Also keeps the resources' options, which Pulumi does not pass to the mocks."""

    mocks: Cloud

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.mocks.run.options[request.type, request.name] = Options(
            protect=request.protect,
            ignore_changes=frozenset(request.ignoreChanges),
            delete_first=request.deleteBeforeReplace,
            after=frozenset((urn.split("::")[2].rpartition("$")[2], _name(urn)) for urn in request.dependencies),
            deleted_with=_name(request.deletedWith),
            provider=_name(request.provider.rpartition("::")[0]),
            replaced_by=frozenset(request.replaceOnChanges),
            hooks=frozenset(
                (moment, name)
                for moment in ("before_create", "before_update", "before_delete")
                for name in getattr(request.hooks, moment)
            ),
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def statements(document: str) -> list[dict[str, Any]]:
    """The statements of a policy document; IAM takes a single one without a list."""
    found = json.loads(document)["Statement"]
    return found if isinstance(found, list) else [found]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


@dataclass
class Hooks:
    """Replaces the server through which the engine calls a program's resource hooks."""

    run: Run

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """Keep the hook: there is no engine to call it."""
        self.run.hooks[hook.name] = hook


Program = Callable[..., Run]


def run_program(
    changes: dict[str, Any] | None = None,
    answers: dict[str, Answer] | None = None,
    secret: tuple[str, ...] = (),
    stack: str = "prod",
) -> Run:
    """Run __main__.py with the settings of a stack's file, some of them changed. Raises what the program raises."""
    config = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    config |= {f"monitoring:{key}": value for key, value in (changes or {}).items()}
    return _run("monitoring", stack, config, answers or {}, [f"monitoring:{key}" for key in secret])


def run_once(
    changes: dict[str, Any] | None = None,
    answers: dict[str, dict[str, Any]] | None = None,
    secret: tuple[str, ...] = (),
    stack: str = "prod",
) -> Run:
    """As `run_program`, but tests with the same settings share one run. Not for tests that patch the program."""
    return _remembered(json.dumps([changes, answers, secret, stack]))


@functools.cache
def _remembered(arguments: str) -> Run:
    return run_program(*json.loads(arguments))


def run_bootstrap(**changes: Any) -> Run:
    """Run bootstrap/__main__.py."""
    config = {"aws:region": "eu-central-1", "monitoring-bootstrap:repository": "team/monitoring"}
    config |= {f"monitoring-bootstrap:{key}": value for key, value in changes.items()}
    return _run("monitoring-bootstrap", "dev", config, {}, [])


_build = Entry.build
_built: dict[str, str] = {}


def _build_once(entry: Entry, *arguments: Any, **options: Any) -> str:
    """Build each dashboard once per set of arguments, on which alone it depends (tests/dashboards); saves an eighth of
    the time."""
    key = repr((entry.uid, arguments, options))
    if key not in _built:
        _built[key] = _build(entry, *arguments, **options)
    return _built[key]


def _run(
    project: str,
    stack: str,
    config: dict[str, Any],
    answers: dict[str, Answer],
    secret: list[str],
) -> Run:
    folder = PROJECT if project == "monitoring" else PROJECT / "bootstrap"
    run = Run()
    cloud = Cloud(run, answers)
    mocks.set_mocks(cloud, project=project, stack=stack, preview=False, monitor=Monitor(cloud))
    pulumi.runtime.settings.SETTINGS.callbacks = Hooks(run)
    pulumi.runtime.set_all_config(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}, secret
    )

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        values: dict[str, Any] = {}
        # For each resource Pulumi looks up the line that made it, which takes a sixth of the time.
        no_trace = patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace)
        # program/lean.py disables it, but the tests' process goes on.
        collected, built_once = patch("gc.disable"), patch.object(Entry, "build", _build_once)
        with patch("pulumi.export", values.__setitem__), collected, built_once, no_trace:
            runpy.run_path(str(folder / "__main__.py"))
        kept = [pulumi.Output.from_input(value) for value in values.values()]

        async def secrecy() -> None:
            for name, value in zip(values, kept, strict=True):
                run.secrets[name] = await value.is_secret()

        known = pulumi.Output.all(**dict(zip(values, kept, strict=True)))
        return known.apply(lambda found: run.outputs.update(found) or secrecy())

    program()
    return run


@pytest.fixture(scope="session")
def prod() -> Run:
    """The program as Pulumi.prod.yaml configures it."""
    return run_once()


@pytest.fixture(scope="session")
def dev() -> Run:
    """The program as Pulumi.dev.yaml configures it."""
    return run_once(stack="dev")
