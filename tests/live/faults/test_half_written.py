"""Half-written files, because a script was killed or a disk lost the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.live.agents import changed_hosts
from tests.live.environment import Environment
from tests.live.faults.cases import one_of
from tests.live.points import SERVER, lost, steady
from tests.live.server import BOOT_SCRIPT, boot_id, main_pid
from tests.live.stacks import up_or_fail
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

FILES = {
    "/etc/influxdb/influxdb.conf": "influxdb",
    "/etc/grafana/grafana.ini": "grafana-server",
    "/etc/telegraf/telegraf.conf": "telegraf",
    "/etc/default/telegraf": "telegraf",
}
"""Files that the boot script writes, and the services that read them."""
AGENT = "/etc/telegraf/telegraf.conf"


def killer(file: str) -> str:
    """A shell script after which `sync` kills its caller when it is called for the file's new version."""
    return f"""set -e
cp /usr/bin/sync /tmp/sync
printf '#!/bin/sh\\ncase "$1" in {file}.new) kill -9 $PPID ;; *) exec /tmp/sync "$@" ;; esac\\n' >/tmp/kills
chmod 755 /tmp/kills
mount --bind /tmp/kills /usr/bin/sync
"""


def content(environment: Environment, machine: str, file: str) -> str:
    found = environment.machine(machine, "cat", file)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("file", one_of(FILES, "/etc/influxdb/influxdb.conf"))
def test_a_boot_script_killed_while_writing_keeps_the_old_file_and_its_next_run_completes(
    environment: Environment, quiet_server: None, file: str
) -> None:
    server, unit = environment.instance_id, FILES[file]
    whole = content(environment, server, file)
    before = main_pid(environment, server, unit)
    script = f"{killer(file)}echo '# by hand' >>{file}\nexec {BOOT_SCRIPT}"
    killed = environment.guest("unshare", "--mount", "sh", "-c", script)
    assert killed.returncode == 137, killed.stdout
    assert content(environment, server, file) == f"{whole}# by hand\n"
    again = environment.guest(BOOT_SCRIPT)
    assert again.returncode == 0, again.stdout
    assert content(environment, server, file) == whole
    assert main_pid(environment, server, unit) not in ("", before), "it was not restarted for the new file"


def cut_in_half(environment: Environment, machine: str, file: str) -> None:
    size = len(content(environment, machine, file).encode())
    assert environment.machine(machine, "truncate", "--size", str(size // 2), file).returncode == 0


@pytest.mark.long_fault
def test_files_cut_in_half_or_emptied_are_repaired_by_the_next_boot(environment: Environment) -> None:
    steady(environment)
    began, server = time.time(), environment.instance_id
    whole = {file: content(environment, server, file) for file in FILES}
    for file in FILES:
        cut_in_half(environment, server, file)
    environment.guest("truncate", "--size", "0", "/etc/monitoring/server.pem", "/etc/grafana/grafana.ini")
    boot = boot_id(environment)
    assert boot
    assert environment.machine_command("reboot", server).returncode == 0

    def repaired() -> bool:
        found = {file: environment.guest("cat", file).stdout for file in FILES}
        return found == whole and boot_id(environment) not in ("", boot)

    assert eventually(repaired, 120)
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    assert environment.grafana.get("/api/health").status_code == 200


@pytest.fixture
def deadly_sync(environment: Environment) -> Iterator[None]:
    """On web-1, `sync` kills the installer."""
    assert environment.machine("web-1", "sh", "-c", killer(AGENT)).returncode == 0
    yield
    environment.machine("web-1", "sh", "-c", "mountpoint -q /usr/bin/sync && umount /usr/bin/sync")


@pytest.mark.long_fault
def test_the_next_up_completes_an_installer_that_was_killed_while_writing(
    environment: Environment, deadly_sync: None
) -> None:
    steady(environment)
    began = time.time()
    before = content(environment, "web-1", AGENT)
    with changed_hosts(environment, web_1={"tags": {"killed": "yes"}}):
        failed = environment.pulumi("up", "--yes", "--skip-preview")
        assert failed.returncode != 0
        assert "web-1" in failed.stdout + failed.stderr
        assert content(environment, "web-1", AGENT) == before
        environment.machine("web-1", "umount", "/usr/bin/sync")
        up_or_fail(environment)
        assert 'killed = "yes"' in content(environment, "web-1", AGENT)
        # Pulumi does not notice what a disk lost, as nothing in the stack has changed. A change writes the file again.
        cut_in_half(environment, "web-1", AGENT)
        environment.machine("web-1", "systemctl", "restart", "telegraf")
    up_or_fail(environment)
    assert content(environment, "web-1", AGENT) == before
    assert eventually(lambda: main_pid(environment, "web-1", "telegraf") != "", 30)
    found = lost(environment, began)
    print(f"web-1 lost {found['web-1']} intervals while its file was cut")
    assert found["db-1"] == found[SERVER] == 0
