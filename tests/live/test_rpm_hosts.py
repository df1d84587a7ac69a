"""The installer on machines of the RPM family works, or leaves everything as it was and says why in one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.machines import preflight
from tests.live.rpm_host import RpmHost, rpm_host

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(preflight()), reason="; ".join(preflight()) or "this host can boot machines"),
]

RPM_LOCK, DNF_LOCK = "/var/lib/rpm/.rpm.lock", "/var/lib/dnf/rpmdb_lock.pid"
SAY = "print('got', flush=True); time.sleep({1})"
HOLD = {
    RPM_LOCK: "import fcntl, time; f = open('{0}', 'a'); fcntl.lockf(f, fcntl.LOCK_EX); " + SAY,
    DNF_LOCK: "import os, time; open('{0}', 'w').write(str(os.getpid())); " + SAY + "; os.unlink('{0}')",
}
"""How another process holds each lock: rpm's with fcntl (rpm, lib/rpmlock.cc), dnf's by its PID in the file
(dnf/lock.py)."""
REPOS, KEY = "/etc/yum.repos.d", "/root/rpm/key.asc"
LOCKED = "/etc/dnf/plugins/versionlock.list"
OWN = '[agent]\\ninterval = "5s"\\n[[outputs.discard]]\\n[[inputs.cpu]]\\n'


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RpmHost]:
    with rpm_host(tmp_path_factory.mktemp("checkout")) as machine:
        machine.save()
        yield machine


@pytest.fixture
def host(machine: RpmHost) -> Iterator[RpmHost]:
    """The machine without Telegraf, and with nothing left of the previous test."""
    machine.restore()
    yield machine
    machine.run(f"systemctl stop lock 2>/dev/null; rm -f {DNF_LOCK}")


def test_an_agent_is_installed_left_alone_and_removed(host: RpmHost) -> None:
    before = host.state()
    host.install_or_fail(name="web-1")
    assert host.shell("systemctl is-active telegraf; rpm -q --qf '%{EVR}' telegraf") == f"active\n{host.version}"
    started = host.shell("systemctl show -p ExecMainPID telegraf")
    host.install_or_fail(name="web-1")
    assert host.shell("systemctl show -p ExecMainPID telegraf") == started
    done = host.install(None, "remove", name="web-1")
    assert "Telegraf is removed" in done.stdout, done.stdout + done.stderr
    assert host.state() == before


# --- The package manager is busy


@pytest.mark.parametrize("file", HOLD)
def test_the_installer_waits_for_another_process_that_uses_dnf(host: RpmHost, file: str) -> None:
    host.hold_lock(HOLD[file].format(file, 8))
    host.install_or_fail()
    assert host.shell("systemctl is-active telegraf") == "active"


@pytest.mark.parametrize("file", HOLD)
def test_the_installer_names_the_process_that_holds_the_lock(host: RpmHost, file: str) -> None:
    before = host.state()
    host.hold_lock(HOLD[file].format(file, 300))
    why = host.refusal(host.installer().replace("patience=300", "patience=3"))
    assert "dnf has been in use for 3 s" in why
    assert host.shell("systemctl show -p MainPID --value lock") in why, why
    assert host.state() == before


# --- dnf is set up by somebody else


def add_repository(host: RpmHost, section: str, address: str) -> None:
    host.shell(
        f"printf '[{section}]\\nname=x\\nbaseurl={address}\\ngpgcheck=1\\ngpgkey=file://{KEY}\\n' >{REPOS}/office.repo;"
        f" echo skip_if_unavailable=0 >>{REPOS}/office.repo"
    )


@pytest.mark.parametrize("section", ["influxdata", "monitoring"])
def test_an_existing_repository_stays_and_dnf_works(host: RpmHost, section: str) -> None:
    add_repository(host, section, host.address)
    updated = host.update()
    assert updated.returncode == 0, updated.stdout + updated.stderr
    files = host.shell(f"ls {REPOS}; cat {REPOS}/*")
    host.install_or_fail()
    updated = host.update()
    assert (updated.returncode, updated.stderr) == (0, "")
    host.install_or_fail()
    assert host.install(None, "remove").returncode == 0
    assert host.shell(f"ls {REPOS}; cat {REPOS}/*") == files


def test_a_key_that_was_already_trusted_stays_when_the_agent_is_removed(host: RpmHost) -> None:
    host.shell(f"rpm --import {KEY}")
    before = host.state()
    host.install_or_fail()
    assert host.install(None, "remove").returncode == 0
    assert host.state() == before


def test_another_broken_repository_does_not_matter(host: RpmHost) -> None:
    add_repository(host, "broken", "http://packages.sandbox.internal/nothing")
    assert host.update().returncode != 0
    host.install_or_fail()
    assert host.shell("systemctl is-active telegraf") == "active"


# --- A failed installation leaves nothing


def test_a_failed_installation_leaves_nothing(host: RpmHost) -> None:
    before = host.state()
    for changed, said in (
        ({"rpm_url": "http://packages.sandbox.internal/nothing"}, "cannot read the repository http://packages"),
        ({"key_fingerprint": "0" * 40}, "see its publisher's news"),
    ):
        wrong = host.repository.model_copy(update=changed)
        assert said in host.refusal(host.installer(repository=wrong))
        assert host.state() == before
    why = host.refusal(host.installer(telegraf_version="1.99.9-1"))
    assert "cannot install Telegraf 1.99.9-1" in why and "telegraf-1.99.9-1" in why.partition(": ")[2], why
    assert host.state() == before


def test_an_unsigned_package_is_refused(host: RpmHost) -> None:
    before = host.state()
    unsigned = host.repository.model_copy(update={"rpm_url": "file:///root/rpm/unsigned"})
    why = host.refusal(host.installer(repository=unsigned))
    assert "is not signed" in why, why
    assert host.state() == before


# --- Telegraf is set up by somebody else


def other_telegraf(host: RpmHost, package: str) -> None:
    """Install and start a Telegraf with its own configuration."""
    host.shell(
        f"rpm --import {KEY} && rpm -i {package} >/dev/null 2>&1"
        f" && printf '{OWN}' >/etc/telegraf/telegraf.conf"
        " && printf '[[inputs.mem]]\\n' >/etc/telegraf/telegraf.d/own.conf"
        " && echo OWN=1 >/etc/default/telegraf && systemctl restart telegraf"
    )


def test_a_locked_and_excluded_telegraf_is_updated_and_stays_locked(host: RpmHost) -> None:
    other_telegraf(host, "/root/rpm/telegraf-0.9.0-1.*.rpm")
    add_repository(host, "influxdata", host.address)
    host.shell(
        "dnf -q versionlock add telegraf && echo 'excludepkgs=telegraf*' >>/etc/dnf/dnf.conf"
        f" && grep -q telegraf-0:0.9.0-1 {LOCKED}"
    )
    host.install_or_fail()
    assert host.shell("rpm -q --qf '%{EVR}' telegraf") == host.version
    assert "telegraf-0:0.9.0-1" in host.shell(f"cat {LOCKED}")
    assert host.update().returncode == 0
    assert host.shell("rpm -q --qf '%{EVR}' telegraf") == host.version


def test_an_earlier_telegraf_is_restored_when_the_agent_is_removed(host: RpmHost) -> None:
    other_telegraf(host, "/root/rpm/repo/telegraf-1*.rpm")
    before = host.state()
    host.install_or_fail(name="web-1")
    host.install_or_fail(name="web-1")
    assert 'hostname = "web-1"' in host.shell("cat /etc/telegraf/telegraf.conf")
    done = host.install(None, "remove", name="web-1")
    assert "is back" in done.stdout, done.stdout + done.stderr
    assert host.state() == before


def test_a_broken_configuration_file_is_reported_in_the_words_of_telegraf(host: RpmHost) -> None:
    host.shell("mkdir -p /etc/telegraf/telegraf.d; printf '[[inputs.nope]]\\n' >/etc/telegraf/telegraf.d/own.conf")
    before = host.state()
    why = host.refusal()
    assert "Telegraf does not start" in why and "undefined but requested input: nope" in why, why
    assert host.state() == before


def test_a_running_agent_survives_a_change_that_fails(host: RpmHost) -> None:
    host.install_or_fail()
    before = host.state()
    host.shell("printf '[[inputs.nope]]\\n' >/etc/telegraf/telegraf.d/own.conf")
    host.refusal(host.installer(tags={"role": "web"}))
    host.shell("rm /etc/telegraf/telegraf.d/own.conf; systemctl restart telegraf")
    assert host.state() == before
