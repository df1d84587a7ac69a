"""What an instance chosen by a tag requests from AWS. The local AWS checks signature and permissions, and a small
metadata service identifies the instance.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settings.hosts import checked_name
from tests.sandbox.cloud.conftest import REGION, Cloud, allow, aws, policy
from tests.support.serving import serving

__all__ = ["aws"]

SCRIPT = Path(__file__).resolve().parents[2] / "userdata/agent/ec2.py"
ID = "i-0123456789abcdef0"


@dataclass
class Imds:
    """A metadata service that requires a token, as EC2's does."""

    url: str
    facts: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def imds() -> Iterator[Imds]:
    facts = {"instance-id": ID}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.answer(200 if "X-aws-ec2-metadata-token-ttl-seconds" in self.headers else 400, "a-token")

        def do_GET(self) -> None:
            path = self.path.removeprefix("/latest/meta-data/")
            known = self.headers["X-aws-ec2-metadata-token"] == "a-token"
            self.answer(401 if not known else 200 if path in facts else 404, facts.get(path, "nothing"))

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield Imds(f"http://127.0.0.1:{server.server_port}/latest/", facts)


def run(imds: Imds, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.read_text().replace("http://169.254.169.254/latest/", imds.url)
    command = [sys.executable, "-I", "-", *arguments]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("web-1", "web-1"),
        ("Shop: web (1)", "Shop-web-1"),
        (None, socket.gethostname()),
        ("monitoring-prod", socket.gethostname()),
        ("…", socket.gethostname()),
        ("All", socket.gethostname()),
        ("x" * 200, "x" * 63),
    ],
)
def test_an_instance_s_name_is_its_tag_s_or_its_host_name(imds: Imds, tag: str | None, name: str) -> None:
    if tag:
        imds.facts["tags/instance/Name"] = tag
    assert run(imds, "identity").stdout.splitlines() == [name, ""]


@pytest.mark.parametrize(("tag", "name"), [("web", "web"), ("y" * 63, "y" * 45), ("monitoring", socket.gethostname())])
def test_in_an_auto_scaling_group_an_instance_has_a_unique_name_and_is_ephemeral(
    imds: Imds, tag: str, name: str
) -> None:
    imds.facts |= {"autoscaling/target-lifecycle-state": "InService", "tags/instance/Name": tag}
    found, ephemeral = run(imds, "identity").stdout.splitlines()
    assert (found, ephemeral) == (f"{name}-{ID[2:]}", "ephemeral")
    assert len(found) <= 63


@given(st.text(max_size=80), st.sampled_from(("", ID[1:])))
@example("monitoring", ID[1:])
@example("Monitoring.-", ID[1:])
@example("x" * 62 + "-y", "")
def test_a_name_is_one_that_the_setting_hosts_accepts(text: str, end: str) -> None:
    functions: dict[str, Any] = {}
    exec(SCRIPT.read_text().partition("\nif sys.argv")[0], functions)  # noqa: S102
    name = functions["usable"](text, end)
    assert name == "" or checked_name(name) == name
    assert name.endswith(end) or not name


def with_role(aws: Cloud, imds: Imds, *statements: dict[str, object]) -> None:
    """Give the instance a role with these policy statements."""
    iam, name = aws.client("iam"), f"web-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=policy(*statements))
    made = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=ID)["Credentials"]
    document = {name: made[name] for name in ("AccessKeyId", "SecretAccessKey")} | {"Token": made["SessionToken"]}
    imds.facts |= {
        "iam/security-credentials/": name,
        f"iam/security-credentials/{name}": json.dumps(document),
    }


@pytest.fixture
def parameter(aws: Cloud) -> str:
    name = f"/monitoring/dev.server-0123456/{uuid.uuid4()}"
    aws.client("ssm").put_parameter(Name=name, Type="SecureString", Value='p "ä" \\ $x')
    return name


def test_the_instance_reads_the_parameter_that_its_role_may_read(aws: Cloud, imds: Imds, parameter: str) -> None:
    with_role(aws, imds, allow("ssm:GetParameter", resource=f"arn:aws:ssm:*:*:parameter{parameter}"))
    read = run(imds, "parameter", REGION, f"{aws.url}/", parameter)
    assert (read.stdout, read.stderr) == ('p "ä" \\ $x\n', "")


def test_without_the_permission_the_error_is_one_line_that_names_it(aws: Cloud, imds: Imds, parameter: str) -> None:
    with_role(aws, imds)
    refused = run(imds, "parameter", REGION, f"{aws.url}/", parameter)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(f"cannot read the password in {parameter}: User: arn:aws:sts:")
    assert "is not authorized to perform: ssm:GetParameter" in refused.stderr


def test_a_missing_role_or_metadata_service_is_reported(imds: Imds) -> None:
    asked = ("parameter", REGION, "http://127.0.0.1:1/", "/x")
    assert run(imds, *asked).stderr == "this instance has no role, with which it could read /x\n"
    assert run(Imds("http://127.0.0.1:1/"), "identity").stderr.startswith("this is no EC2 instance, or its metadata")


def test_a_throttled_request_is_repeated(aws: Cloud, imds: Imds, parameter: str) -> None:
    with_role(aws, imds, allow("ssm:GetParameter"))
    answers = iter([(400, '{"__type": "ThrottlingException"}'), (200, '{"Parameter": {"Value": "at last"}}')])

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, text = next(answers)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Busy)) as server:
        read = run(imds, "parameter", REGION, f"http://127.0.0.1:{server.server_port}/", parameter)
    assert (read.returncode, read.stdout) == (0, "at last\n"), read.stderr
