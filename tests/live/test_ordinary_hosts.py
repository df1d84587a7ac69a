"""The installer on machines that others have set up works, or leaves everything as it was and says why in one line."""

from __future__ import annotations

import platform
import time
import tomllib
from collections.abc import Iterator

import pytest

from sandbox.machines import preflight
from tests.live.clocks import processes, set_clock
from tests.live.ordinary_host import SOURCES, OrdinaryHost, ordinary_host
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(preflight()), reason="; ".join(preflight()) or "this host can boot machines"),
]

LOCK = (
    "import fcntl, time; f = open('{}', 'a'); fcntl.lockf(f, fcntl.LOCK_EX); print('got', flush=True); time.sleep({})"
)
LOCKS = ("/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrdinaryHost]:
    with ordinary_host(tmp_path_factory.mktemp("checkout")) as machine:
        machine.save()
        yield machine


@pytest.fixture
def host(machine: OrdinaryHost) -> Iterator[OrdinaryHost]:
    """The machine without Telegraf, and with nothing left of the previous test."""
    machine.restore()
    yield machine
    machine.run("systemctl stop lock 2>/dev/null")


# --- apt is busy


def test_the_installer_waits_for_another_process_that_uses_apt(host: OrdinaryHost) -> None:
    """One lock stands for all: the next test tries each."""
    host.hold_lock(LOCK.format(LOCKS[2], 8))
    host.install_or_fail()
    assert host.shell("systemctl is-active telegraf") == "active"


@pytest.mark.parametrize("file", LOCKS)
def test_the_installer_names_the_process_that_holds_the_lock(host: OrdinaryHost, file: str) -> None:
    before = host.state()
    host.hold_lock(LOCK.format(file, 300))
    why = host.refusal(host.installer().replace("patience=300", "patience=3"))
    assert file in why and "python3" in why, why
    assert host.state() == before


# --- apt is set up by somebody else


KEY, OTHER_KEY = "/etc/apt/trusted.gpg.d/influxdb.gpg", "/etc/apt/keyrings/other.gpg"
OURS = "/etc/apt/sources.list.d/influxdata.list"
ADDRESS = "http://packages.sandbox.internal/influxdata"
DEB822 = f"Types: deb\nURIs: {ADDRESS}\nSuites: stable\nComponents: main\nSigned-By: {KEY}"
SAME = {
    "influxdb.list": f"deb [signed-by={KEY}] {ADDRESS} stable main",
    "slash.list": f"deb [arch=amd64,arm64 signed-by={KEY}] {ADDRESS}/ stable main",
    "unsigned-by.list": f"deb {ADDRESS} stable main",
    "trusted.list": f"deb [trusted=yes] {ADDRESS} stable main",
    "influxdata.list": f"# of the office\ndeb [signed-by={KEY}] {ADDRESS} stable main",
    "influxdata.sources": DEB822,
    "many.sources": DEB822.replace("URIs: ", "URIs: http://packages.sandbox.internal/grafana "),
    "embedded.sources": DEB822.partition("Signed-By")[0] + "Signed-By:\n$(sed 's/^$/./; s/^/ /' /root/key.asc)",
}
"""Files that configure the same repository in another way."""


def add_source(host: OrdinaryHost, name: str, text: str) -> None:
    """Add somebody else's source, with the publisher's key in another file."""
    host.shell(
        f"curl -sSf -o /root/key.asc {ADDRESS}/influxdata-archive.key; apt-get install -y -qq gnupg >/dev/null 2>&1;"
        f" gpg --dearmor </root/key.asc >{KEY}; cat >{SOURCES}/{name} <<END\n{text}\nEND"
    )


@pytest.mark.parametrize("name", SAME)
def test_an_existing_configuration_of_the_repository_stays_and_apt_works(host: OrdinaryHost, name: str) -> None:
    add_source(host, name, SAME[name])
    if "grafana" in SAME[name]:
        host.shell(f"curl -sSf {ADDRESS.replace('influxdata', 'grafana')}/gpg.key | gpg --dearmor >>{KEY}")
    source = host.shell(f"cat {SOURCES}/{name}")
    said = host.install_or_fail()
    assert (f"{OURS} or " if OURS.endswith(f"/{name}") else f"{name} names the repository already") in said
    updated = host.update()
    assert (updated.returncode, updated.stderr) == (0, "")
    assert host.shell(f"cat {SOURCES}/{name}") == source
    assert host.install(None, "remove").returncode == 0
    assert host.shell(f"cat {SOURCES}/{name}") == source
    assert host.update().returncode == 0


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_a_default_release_does_not_matter(host: OrdinaryHost, release: str) -> None:
    """InfluxData's repository has a different release name, and no suite of that name."""
    host.shell(f"echo 'APT::Default-Release \"{release}\";' >/etc/apt/apt.conf.d/99office")
    before = host.update()
    host.install_or_fail()
    assert host.install(None, "remove").returncode == 0
    after = host.update()
    assert (after.returncode, after.stderr) == (before.returncode, before.stderr)


@pytest.mark.parametrize("option", ["Simulate", "Download-Only"])
def test_an_apt_that_installs_nothing_is_reported(host: OrdinaryHost, option: str) -> None:
    host.shell(
        f"apt-get install -y -qq gnupg >/dev/null 2>&1; echo 'APT::Get::{option} 1;' >/etc/apt/apt.conf.d/99office"
    )
    before = host.state()
    assert "apt did not install Telegraf" in host.refusal()
    assert host.state() == before


def test_the_folders_of_apt_need_not_exist(host: OrdinaryHost) -> None:
    host.shell("apt-get install -y -qq gnupg >/dev/null 2>&1; rm -rf /etc/apt/{keyrings,preferences.d,sources.list.d}")
    host.install_or_fail()
    assert host.update().returncode == 0


def test_the_installer_repairs_what_an_earlier_one_broke(host: OrdinaryHost) -> None:
    host.install_or_fail()
    add_source(host, "influxdb.list", SAME["influxdb.list"])
    assert host.update().returncode != 0
    host.shell("rm /etc/apt/preferences.d/monitoring")
    host.install_or_fail()
    assert host.update().returncode == 0


@pytest.mark.parametrize(
    "source",
    [
        "deb http://packages.sandbox.internal/nothing stable main",
        "deb [signed-by=/nowhere.gpg] http://packages.sandbox.internal/grafana stable main",
        "deb not a source",
        f"deb [signed-by={OTHER_KEY}] {ADDRESS} stable main\ndeb [signed-by={KEY}] {ADDRESS} stable main",
    ],
    ids=["gone", "without its key", "malformed", "in conflict with itself"],
)
def test_another_broken_source_does_not_matter(host: OrdinaryHost, source: str) -> None:
    add_source(host, "broken.list", source)
    before = host.update()
    assert before.returncode != 0
    host.install_or_fail()
    assert host.shell("systemctl is-active telegraf") == "active"
    after = host.update()
    assert (after.returncode, after.stderr) == (before.returncode, before.stderr)


def test_a_failed_installation_leaves_nothing(host: OrdinaryHost) -> None:
    host.shell("apt-get install -y -qq gnupg >/dev/null 2>&1")
    before = host.state()
    why = host.refusal(host.installer(telegraf_version="1.2.3-1"))
    assert "1.2.3-1" in why and "was not found" in why
    assert host.state() == before
    wrong = host.repository.model_copy(update={"url": "http://packages.sandbox.internal/grafana"})
    why = host.refusal(host.installer(repository=wrong))
    assert "cannot read the repository http://packages.sandbox.internal/grafana" in why
    assert host.state() == before
    assert host.update().returncode == 0


# --- Telegraf is set up by somebody else

OWN = '[agent]\\ninterval = "5s"\\n[[outputs.discard]]\\n[[inputs.cpu]]\\n'


def other_telegraf(host: OrdinaryHost, version: str = "0.9.0-1") -> None:
    """Install and start a Telegraf of another version, with its own configuration."""
    host.shell(
        f"cd /root && rm -rf tree && curl -sSf -o t.deb {ADDRESS}/pool/main/{host.package} && dpkg-deb -R t.deb tree"
        f" && sed -i 's/^Version: .*/Version: {version}/' tree/DEBIAN/control"
        " && dpkg-deb -b -Znone tree other.deb >/dev/null && dpkg -i other.deb >/dev/null 2>&1"
        f" && printf '{OWN}' >/etc/telegraf/telegraf.conf"
        " && printf '[[inputs.mem]]\\n' >/etc/telegraf/telegraf.d/own.conf"
        " && echo OWN=1 >/etc/default/telegraf && systemctl restart telegraf"
    )


def test_a_held_telegraf_is_updated_and_stays_on_hold(host: OrdinaryHost) -> None:
    other_telegraf(host)
    host.shell("apt-mark hold telegraf")
    host.install_or_fail()
    assert host.shell("dpkg-query -W -f '${Version}' telegraf") == host.version
    assert host.shell("apt-mark showhold") == "telegraf"


def test_an_earlier_telegraf_is_restored_when_the_agent_is_removed(host: OrdinaryHost) -> None:
    other_telegraf(host, host.version)
    before = host.state()
    host.install_or_fail(name="web-1")
    host.install_or_fail(name="web-1")
    assert 'hostname = "web-1"' in host.shell("cat /etc/telegraf/telegraf.conf")
    done = host.install(None, "remove", name="web-1")
    assert "is back" in done.stdout, done.stdout + done.stderr
    assert host.state() == before


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("[[inputs.cpu]\n", "line 1: invalid TOML syntax"),
        ("[[inputs.nope]]\n", "undefined but requested input: nope"),
        ("[[inputs.cpu]]\nno_such_option = 1\n", "no_such_option"),
        ('[[inputs.exec]]\ncommands = []\ndata_format = "nope"\n', "nope"),
        ('[[inputs.net_response]]\naddress = "a:1"\nprotocol = "nope"\n', "unknown choice nope"),
    ],
    ids=["syntax", "input", "option", "format", "initialization"],
)
def test_a_broken_configuration_file_is_reported_in_the_words_of_telegraf(
    host: OrdinaryHost, file: str, said: str
) -> None:
    host.shell(
        "apt-get install -y -qq gnupg >/dev/null 2>&1; mkdir -p /etc/telegraf/telegraf.d;"
        f" printf '{file}' >/etc/telegraf/telegraf.d/own.conf"
    )
    before = host.state()
    why = host.refusal()
    assert "Telegraf does not start" in why
    assert said in why, why
    assert host.state() == before
    assert host.update().returncode == 0


def test_a_running_agent_survives_a_change_that_fails(host: OrdinaryHost) -> None:
    host.install_or_fail()
    before = host.state()
    host.shell("printf '[[inputs.nope]]\\n' >/etc/telegraf/telegraf.d/own.conf")
    host.refusal(host.installer(tags={"role": "web"}))
    host.shell("rm /etc/telegraf/telegraf.d/own.conf; systemctl restart telegraf")
    assert host.state() == before


def test_a_file_that_telegraf_cannot_read_is_named(host: OrdinaryHost) -> None:
    host.shell(
        "apt-get install -y -qq gnupg >/dev/null 2>&1;"
        " mkdir -p /etc/telegraf/telegraf.d; install -m 600 /dev/null /etc/telegraf/telegraf.d/own.conf"
    )
    assert "own.conf" in host.refusal()


# --- The host's clock


@pytest.mark.skipif(platform.machine() != "x86_64", reason="its clocks are x86-64's (tests/live/clocks.py)")
def test_telegraf_measures_again_once_a_clock_that_was_hours_ahead_is_right(host: OrdinaryHost) -> None:
    host.install_or_fail()
    host.shell(
        "printf '[[outputs.file]]\nfiles = [\"stdout\"]\n' >/etc/telegraf/telegraf.d/shown.conf;"
        " systemctl restart telegraf"
    )

    def measures() -> bool:
        """Whether it measures in the next six seconds; its interval is one second."""
        since = host.shell("journalctl -q -u telegraf -n 1 -o export | sed -n 's/^__CURSOR=//p'")
        time.sleep(6)
        return "system," in host.shell(f"journalctl -q -u telegraf -o cat --after-cursor='{since}'")

    def set_all(seconds: int) -> None:
        for process in processes(host.machine, "telegraf"):
            set_clock(process, seconds)
        measures()  # a measurement may have been in progress

    assert eventually(measures)
    set_all(5 * 3600)
    assert eventually(measures)
    set_all(0)
    assert eventually(lambda: not measures())
    # What its timer does (OnClockChange); here, the kernel's clock has not jumped.
    assert (
        host.shell("systemctl is-active monitoring-agent-clock.timer; systemctl start monitoring-agent-clock")
        == "active"
    )
    assert eventually(measures)


# --- Tags that look like the installer's own lines


def test_a_tag_called_hostname_and_one_called_urls_are_tags(host: OrdinaryHost) -> None:
    tags = {"hostname": "intranet", "urls": "x", "hostname_": "y"}
    host.install_or_fail(host.installer(tags=tags), name="web-1")
    config = tomllib.loads(host.shell("cat /etc/telegraf/telegraf.conf"))
    assert config["agent"]["hostname"] == "web-1"
    assert config["global_tags"] == tags
    done = host.install(host.installer(tags=tags), "remove", name="intranet")
    assert "stays" in done.stdout
    done = host.install(host.installer(tags=tags), "remove", name="web-1")
    assert "Telegraf is removed" in done.stdout, done.stdout + done.stderr
