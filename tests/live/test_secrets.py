"""No secret of the stack is where people can read it who should not."""

from __future__ import annotations

import base64
import json

import pytest

from sandbox import hosts as sandbox_hosts
from tests.live.environment import Environment
from tests.live.leaks import leaks, parameters, searchable, state_secrets
from tests.live.stacks import console, up_or_fail

pytestmark = [pytest.mark.live, pytest.mark.changes]


@pytest.fixture(scope="module")
def secrets(environment: Environment) -> dict[str, str]:
    """Every secret of the stack by name: those in Parameter Store, and those in the decrypted state. Fixtures of a file
    come before `settled`, and an `up` that takes back what an earlier file has set can make new ones."""
    environment.settle()
    found = parameters(environment)
    exported = json.loads(environment.pulumi("stack", "export", "--show-secrets").stdout)
    environment.transcript.pop()  # this output shows them on purpose
    # The connections to hosts are secrets as a whole, but the only secret in them is the private key.
    public = {host[key] for host in sandbox_hosts.settings(environment.place) for key in ("address", "hostKey")}
    secret = searchable(found | state_secrets(exported), public)
    return {name: value for name, value in secret.items() if "BEGIN CERT" not in value}


def test_the_search_finds_a_secret(secrets: dict[str, str]) -> None:
    assert len(secrets) >= 6, sorted(secrets)
    name, value = next(iter(secrets.items()))
    assert name in leaks({name: value}, f"before {value} after")


def test_not_in_user_data(environment: Environment, secrets: dict[str, str]) -> None:
    answer = environment.aws("ec2").describe_instance_attribute(
        InstanceId=environment.instance_id, Attribute="userData"
    )
    assert leaks(secrets, base64.b64decode(answer["UserData"]["Value"]).decode()) == []


def test_not_in_tags_or_descriptions(environment: Environment, secrets: dict[str, str]) -> None:
    described = [
        environment.aws("ec2").describe_instances(),
        environment.aws("ec2").describe_tags(),
        environment.aws("ssm").describe_parameters(),
        environment.aws("iam").list_users(),
    ]
    assert leaks(secrets, json.dumps(described, default=str)) == []


def test_not_on_the_console(environment: Environment, secrets: dict[str, str]) -> None:
    printed = console(environment)
    assert "boot finished" in printed
    assert leaks(secrets, printed) == []


def test_not_in_the_server_journal_or_logs(environment: Environment, secrets: dict[str, str]) -> None:
    journal = environment.guest("journalctl", "--no-pager", "-o", "cat").stdout
    logs = environment.guest("sh", "-c", "cat /var/log/*.log /var/log/*/*.log").stdout
    assert len(journal) > 1000
    assert leaks(secrets, journal + logs) == []


@pytest.mark.parametrize("host", ["db-1", "web-1"])
def test_not_on_the_hosts(environment: Environment, secrets: dict[str, str], host: str) -> None:
    """Neither in the journal, nor in a process's arguments, nor in a file that anyone can read."""
    journal = environment.machine(host, "journalctl", "--no-pager", "-o", "cat").stdout
    logs = environment.machine(host, "sh", "-c", "cat /var/log/*.log /var/log/*/*.log").stdout
    processes = environment.machine(host, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    readable = "find /etc /usr/local /opt /tmp /var/tmp /run /home -xdev -type f -perm -o=r -exec cat {} + 2>/dev/null"
    files = environment.machine(host, "runuser", "-u", "nobody", "--", "sh", "-c", readable).stdout
    assert "bash -s" in journal, "sudo has not logged the installer's command"
    assert "telegraf" in processes
    assert len(files) > 10_000
    assert leaks(secrets, journal + logs + processes + files) == []


def test_not_in_the_process_list_of_a_host_while_its_agent_is_installed(
    environment: Environment, secrets: dict[str, str]
) -> None:
    look = "while sleep 0.05; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; done 2>/dev/null"
    watch = "timeout 900 setpriv --reuid=nobody --clear-groups sh -c '" + look + "' | tr '\\0' ' ' >/run/watched"
    environment.machine("db-1", "systemd-run", "--unit=watching", "sh", "-c", watch)
    with environment.settings(collectionInterval="5s"):
        up_or_fail(environment, "--target", "**db-1")
    environment.machine("db-1", "systemctl", "stop", "watching")
    seen = environment.machine("db-1", "sh", "-c", "cat /run/watched; rm /run/watched").stdout
    assert "bash -s" in seen
    assert leaks(secrets, seen) == []


@pytest.mark.ups_first
def test_not_in_the_output_of_pulumi(environment: Environment, secrets: dict[str, str]) -> None:
    with environment.settings(accessKeyGeneration=2):
        diff = environment.pulumi("preview", "--diff")
    assert diff.returncode == 0, diff.stdout[-2000:]
    environment.pulumi("stack", "output")
    # This shows all lines of the agent's installer, which the previous test changed on one host, and what it printed.
    assert "::db-1]" in up_or_fail(environment, "--diff"), "the diff does not show the host"
    assert len(environment.transcript) > 3
    for printed in environment.transcript:
        assert leaks(secrets, printed) == []


def test_not_in_the_process_list_of_the_server(environment: Environment, secrets: dict[str, str]) -> None:
    listing = environment.guest("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    assert "influxd" in listing
    assert leaks(secrets, listing) == []


def test_not_in_world_readable_files(environment: Environment, secrets: dict[str, str]) -> None:
    command = (
        "find /etc /usr/local /opt /srv /tmp /var/lib/cloud /var/tmp /run -xdev -type f -perm -o=r "
        "-size -256k -readable -exec cat {} + 2>/dev/null"
    )
    readable = environment.guest("runuser", "-u", "nobody", "--", "sh", "-c", command).stdout
    assert len(readable) > 10_000
    assert leaks(secrets, readable) == []


def test_not_in_plain_text_in_the_state(environment: Environment, secrets: dict[str, str]) -> None:
    backend = environment.place.state / "backend"
    files = [path for path in backend.rglob("*.json") if path.is_file()]
    assert files
    for path in files:
        assert leaks(secrets, path.read_text()) == [], path
