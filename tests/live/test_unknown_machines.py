"""Agents on machines that Pulumi does not know, by the installer, an Ansible role and user data, which are outputs of
the stack."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox import hosts, screen
from sandbox.machines.guest import ON_PREMISE_USER
from tests.live.environment import Environment
from tests.live.leaks import leaks, parameters
from tests.live.on_premise_host import on_premise_host
from tests.live.server import main_pid
from tests.live.test_agents import values
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

FRESH, CLOUD = "fresh-1", "cloud-1"
TEMPERATURE = '[[inputs.exec]]\ncommands = [["echo", "temperature value=21"]]\ndata_format = "influx"'


@dataclass(frozen=True)
class Fresh:
    """A machine without an agent. options: ssh's, with which it is reached."""

    environment: Environment
    address: str
    options: tuple[str, ...]

    def piped(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Pipe the installer to a command on the machine, as docs/agents.md says."""
        ssh = ["ssh", *self.options, f"{ON_PREMISE_USER}@{self.address}", *command]
        script = self.environment.outputs["agentInstallScript"]
        return subprocess.run(ssh, input=script, capture_output=True, text=True, check=False)

    def left(self) -> str:
        """What a removed agent has left behind."""
        files = "ls -d /etc/telegraf /etc/default/telegraf /etc/systemd/system/telegraf.service.d 2>/dev/null;"
        return self.environment.machine(FRESH, "sh", "-c", f"{files} pgrep -x telegraf; getent passwd telegraf").stdout


@pytest.fixture(scope="module")
def fresh(environment: Environment) -> Iterator[Fresh]:
    with on_premise_host(FRESH, len(hosts.HOSTS)) as made:
        known = environment.place.state / "test-known-hosts"
        known.write_text(f"{made.address} {made.host_key}\n")
        options = (f"-oUserKnownHostsFile={known}", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes")
        machine = Fresh(environment, made.address, ("-i", str(made.user_key), *options))
        assert eventually(lambda: machine.piped("true").returncode == 0)
        yield machine


def test_the_installer_works_on_a_machine_that_pulumi_does_not_know(environment: Environment, fresh: Fresh) -> None:
    first = fresh.piped("sudo", "MONITORING_TAGS=role=web,site=office", "bash")
    assert first.returncode == 0, first.stderr
    assert f"reports as {FRESH} to {environment.outputs['influxdbUrl']}" in first.stdout
    query = f"SELECT last(uptime) FROM system WHERE host = '{FRESH}' AND role = 'web' AND site = 'office'"  # noqa: S608
    assert eventually(lambda: values(environment, query))
    process = main_pid(environment, FRESH, "telegraf")
    again = fresh.piped("sudo", "MONITORING_TAGS=role=web,site=office", "bash")
    assert again.returncode == 0
    assert "monitoring: nothing to change" in again.stdout
    assert main_pid(environment, FRESH, "telegraf") == process
    would = fresh.piped("sudo", "bash", "-s", "check")
    assert would.stdout == "monitoring: would change: /etc/telegraf/telegraf.d/host.conf\n"
    removed = fresh.piped("sudo", "bash", "-s", "remove")
    assert removed.returncode == 0, removed.stderr
    assert fresh.left() == ""


# --- Ansible


class Ansible:
    """An Ansible user's folder, with the role, an inventory, and the credentials in a vault."""

    def __init__(self, folder: Path, fresh: Fresh) -> None:
        self.folder = folder
        self.said = ""
        (folder / "roles").mkdir()
        (folder / "group_vars").mkdir()
        (folder / "vault").write_text("of the vault")
        outputs = fresh.environment.outputs
        self._run("sh", "-c", "base64 -d | tar -xz -C roles", given=outputs["agentAnsibleRole"])
        vault = ("ansible-vault", "encrypt_string", "--stdin-name", "monitoring_agent_credentials")
        encrypted = self._run(*vault, given=outputs["agentCredentials"] + "\n").stdout
        (folder / "group_vars" / "all.yml").write_text(encrypted)
        key, *options = fresh.options[1:]
        reached = {
            "ansible_host": fresh.address,
            "ansible_user": ON_PREMISE_USER,
            "ansible_ssh_private_key_file": key,
            "ansible_ssh_common_args": " ".join(options),
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {FRESH: reached}}}))

    def play(self, *arguments: str, **variables: object) -> dict[str, int]:
        """Run the role with these variables; returns how many tasks were ok, changed, failed and so on."""
        given = {f"monitoring_agent_{name}": value for name, value in variables.items()}
        role = {"role": "monitoring_agent", "vars": given}
        play = {"hosts": "all", "become": True, "gather_facts": False, "roles": [role]}
        (self.folder / "site.yml").write_text(yaml.safe_dump([play]))
        done = self._run("ansible-playbook", "-i", "hosts.yml", "site.yml", *arguments)
        (recap,) = re.findall(rf"^{FRESH} +: (.*)", done.stdout, re.MULTILINE) or [done.stdout + done.stderr]
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap)}

    def _run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_TIMEOUT": "60",  # for SSH and sudo; ten seconds are too few on a busy machine
            "ANSIBLE_VAULT_PASSWORD_FILE": "vault",
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | own,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        self.said += done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def ansible(fresh: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ansible]:
    made = Ansible(tmp_path_factory.mktemp("ansible"), fresh)
    yield made
    assert leaks(parameters(fresh.environment), made.said) == []
    for path in (made.folder / "roles").rglob("*.*"):
        assert leaks(parameters(fresh.environment), path.read_text()) == [], path


def changed(recap: dict[str, int]) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    return recap["changed"], recap["failed"]


def test_the_role_installs_an_agent_once(environment: Environment, fresh: Fresh, ansible: Ansible) -> None:
    own = {"tags": {"role": "web", "site": 'Bad Ö, "quoted"'.replace(",", "")}, "inputs": TEMPERATURE}
    assert changed(ansible.play("--check", **own)) == (1, 0)
    assert fresh.left() == ""
    assert changed(ansible.play("-vvv", **own)) == (1, 0), ansible.said
    query = f"SELECT last(value) FROM temperature WHERE host = '{FRESH}' AND role = 'web' AND site = 'Bad Ö \"quoted\"'"  # noqa: S608
    assert eventually(lambda: values(environment, query))
    assert FRESH in screen.newest_points(environment.grafana)
    process = main_pid(environment, FRESH, "telegraf")
    assert changed(ansible.play("--check", **own)) == (0, 0)
    assert changed(ansible.play(**own)) == (0, 0)
    assert main_pid(environment, FRESH, "telegraf") == process


def test_the_role_says_what_is_wrong_and_the_agent_keeps_running(environment: Environment, ansible: Ansible) -> None:
    def refused(**variables: object) -> str:
        before = len(ansible.said)
        assert changed(ansible.play(**variables)) == (0, 1)
        return ansible.said[before:]

    assert "MONITORING_TAGS: 'device' is used by Telegraf's inputs" in refused(tags={"device": "sda"})
    assert "value of monitoring_agent_state must be one of: present, absent" in refused(state="gone")
    assert "Telegraf does not start" in refused(inputs="[[inputs.nothing]]")
    assert eventually(lambda: main_pid(environment, FRESH, "telegraf"))


def test_the_role_repairs_and_removes_an_agent(environment: Environment, fresh: Fresh, ansible: Ansible) -> None:
    assert environment.machine(FRESH, "systemctl", "disable", "--now", "telegraf").returncode == 0
    assert changed(ansible.play(tags={"role": "web"})) == (1, 0)
    assert main_pid(environment, FRESH, "telegraf")
    assert changed(ansible.play("--check", state="absent", credentials="")) == (1, 0)
    assert main_pid(environment, FRESH, "telegraf")
    assert changed(ansible.play(state="absent", credentials="")) == (1, 0)
    assert fresh.left() == ""
    assert changed(ansible.play(state="absent", credentials="")) == (0, 0)


# --- User data


def test_user_data_installs_an_agent_at_the_first_boot(environment: Environment) -> None:
    """Also, it is valid by cloud-init's own schema, and EC2 takes it (at most 16,384 bytes)."""
    ec2 = environment.aws("ec2")
    image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]["ImageId"]
    text = environment.outputs["agentCloudInit"]
    text = text.replace("MONITORING_HOST=''", f"MONITORING_HOST={CLOUD}").replace("TAGS=''", "TAGS='role=web'")
    made = ec2.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1, UserData=text)
    instance = str(made["Instances"][0]["InstanceId"])
    try:
        query = (
            f"SELECT last(uptime) FROM system WHERE host = '{CLOUD}' AND role = 'web' AND instance_id = '{instance}'"  # noqa: S608
        )
        assert eventually(lambda: values(environment, query)), environment.machine(
            instance, "cat", "/var/log/cloud-init-output.log"
        ).stdout
        ended = environment.machine(instance, "cloud-init", "status", "--wait")
        assert ended.stdout.splitlines()[-1:] == ["status: done"]
        valid = environment.machine(instance, "cloud-init", "schema", "--system")
        assert valid.returncode == 0, valid.stdout + valid.stderr
        assert "Valid schema user-data" in valid.stdout
    finally:
        ec2.terminate_instances(InstanceIds=[instance])
